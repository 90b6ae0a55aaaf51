"""Many sketches in one pass through the model, for a benchmark; each with a reference and a seed of its own."""

import torch
from PIL import Image

from colorizer.denoiser import GuidedDenoiser
from colorizer.encoded import EncodedReference, EncodedSketch
from colorizer.errors import UserError
from colorizer.finish import finish
from colorizer.locked_model import to_picture
from colorizer.pipeline import Colorizer
from colorizer.precision import is_out_of_memory
from colorizer.sampling import Sampler, draw_noise, image_generators
from colorizer.settings import GenerationSettings


def colorize_all(
    colorizer: Colorizer,
    sketches: list[EncodedSketch],
    references: list[EncodedReference],
    settings: GenerationSettings,
    seeds: list[int],
) -> list[Image.Image | str]:
    """As `colorize_batch`, but with the reason where there is no picture. What the memory cannot hold is halved.

    Pictures drawn to their references, which have passes of their own, are made one by one.
    """
    if settings.draws_to_reference:
        return [
            _colorize_alone(colorizer, sketch, reference, settings.evolve(seed=seed, batch_size=1))
            for sketch, reference, seed in zip(sketches, references, seeds, strict=True)
        ]
    try:
        results = colorize_batch(colorizer, sketches, references, settings, seeds)
        return [result or "the model gave invalid numbers (NaN)" for result in results]
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    if len(seeds) == 1:
        return ["not enough memory; choose a smaller --size"]
    half = len(seeds) // 2
    first, second = (
        colorize_all(colorizer, sketches[part], references[part], settings, seeds[part])
        for part in (slice(half), slice(half, None))
    )
    return [*first, *second]


def _colorize_alone(
    colorizer: Colorizer, sketch: EncodedSketch, reference: EncodedReference, settings: GenerationSettings
) -> Image.Image | str:
    try:
        *_, result = colorizer.generate(sketch, reference, settings, previews=False)
    except UserError as error:
        return str(error)
    return result.images[0]


@torch.inference_mode()
def colorize_batch(
    colorizer: Colorizer,
    sketches: list[EncodedSketch],
    references: list[EncodedReference],
    settings: GenerationSettings,
    seeds: list[int],
) -> list[Image.Image | None]:
    """One picture a sketch, None where the model gave invalid numbers.

    All sketches have the same latent size. Picture i is what `Colorizer.generate` makes with seeds[i], up to the
    rounding of kernels, which differ with the size of the batch. Of the settings, edits and noise level are left out,
    and size, seed and batch size have no effect.
    """
    model = colorizer.model
    features = tuple(torch.cat(level) for level in zip(*(sketch.features for sketch in sketches), strict=True))
    tokens = model.reference_context(torch.cat([reference.tokens for reference in references]))
    empty = None
    if settings.sketch_guidance_scale != 1:
        empty = colorizer.locked.empty_features(sketches[0].placement)
    sampler = Sampler(settings.sampler, settings.schedule, settings.steps, colorizer.config.noise)
    generators = [image_generators(seed, 1)[0] for seed in seeds]
    z = draw_noise(generators, (colorizer.config.unet.in_channels, *sketches[0].latent_size)).to(colorizer.device)
    settings = settings.evolve(noise_level=0, edits=())
    denoiser = GuidedDenoiser(model.unet, sampler, settings, features, empty, tokens, generators)
    for index in range(settings.steps):
        z = sampler.step(index, denoiser.predict(0, index, z), z)
    rows = zip(z.split(1), sketches, references, strict=True)
    return [_decode(colorizer, row, sketch, reference, settings) for row, sketch, reference in rows]


def _decode(
    colorizer: Colorizer,
    z: torch.Tensor,
    sketch: EncodedSketch,
    reference: EncodedReference,
    settings: GenerationSettings,
) -> Image.Image | None:
    if not z.isfinite().all():
        return None
    picture = sketch.placement.crop(to_picture(colorizer.model.vae.decode(z)[0]))
    palette = reference.palette() if settings.match_colours else None
    return finish(picture, sketch.lines, palette, settings)
