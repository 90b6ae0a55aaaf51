"""One generation: noise, denoising in one pass or (a sharp picture) in several, previews on the way, the pictures."""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from colorizer.denoiser import GuidedDenoiser, branches
from colorizer.encoded import EncodedReference, EncodedSketch
from colorizer.errors import UserError
from colorizer.finish import finish, is_finished
from colorizer.layers import keep_lines
from colorizer.locked_model import INVALID_NUMBERS, LockedModel
from colorizer.match_colours import Palette
from colorizer.preview_pace import PreviewPace
from colorizer.references import counting_cells
from colorizer.sampling import Sampler, draw_noise, image_generators
from colorizer.settings import GenerationSettings
from colorizer.sharp import REFINE_NOISE, enlarged
from colorizer.similarity import ReferencePasses, encode_latent, idle_notes

DARKEST = 12  # a picture without a level from here on is black
BLACK = "The picture with seed {seed} came out black; try another seed, lower guidance scales or dtype float32."


@dataclass(frozen=True)
class Preview:
    """After step `step` of `steps` (of all passes of a sharp picture): image 0 as the model expects it to become.

    The same image may come several times where decoding is slow next to a step; None when no previews are wanted.
    """

    step: int
    steps: int
    image: Image.Image | None
    seconds_left: float


@dataclass(frozen=True)
class Result:
    """images[i] was made with seeds[i]. notes: sentences for the user."""

    images: list[Image.Image]
    seeds: list[int]
    settings: GenerationSettings
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReferenceContext:
    """What the U-Net sees of all references together, after the edits.

    tokens: (1, n, D) float32, None without a reference. log_weights: (n,) of the tokens, None where all weigh alike.
    palette: the references' colours, None where they are not asked for. notes: sentences for the user,
    about the edits.
    """

    tokens: Tensor | None = None
    log_weights: Tensor | None = None
    palette: Palette | None = None
    notes: tuple[str, ...] = ()


class Generation:
    """What the passes of one run share, and how far it is."""

    def __init__(
        self,
        locked: LockedModel,
        references: Sequence[EncodedReference],
        context: ReferenceContext,
        settings: GenerationSettings,
        previews: bool,
    ):
        """references: what the picture is drawn to, where the settings say so; context: of the same ones."""
        self.locked, self.references, self.context, self.settings = locked, references, context, settings
        self.generators = image_generators(settings.seed, settings.batch_size)
        self.pace = PreviewPace() if previews else None
        self.step, self.steps = 0, settings.steps
        self.ahead: list[tuple[tuple[int, int], int]] = []  # of the passes to come, see Workload.estimate
        self.preview: Image.Image | None = None

    def run(self, sketch: EncodedSketch) -> Iterator[Preview | Result]:
        """Yield a `Preview` after every step and a `Result` at the end. Raises UserError for invalid numbers."""
        settings = self.settings
        notes = (*self.context.notes, *idle_notes(settings, bool(self.references)))
        first, *larger = sketch.passes
        refining = [sampler_of(settings, self.locked, REFINE_NOISE) for _ in larger]
        counts = [settings.steps - sampler.first for sampler in refining]
        self.steps += sum(counts)
        calls = settings.batch_size * branches(settings, self.context.tokens is not None)
        self.ahead = [(each.canvas, count * calls) for each, count in zip(larger, counts, strict=True)]
        z = yield from self._denoise(first, sampler_of(settings, self.locked), self.references)
        for before, after, sampler in zip(sketch.passes, larger, refining, strict=False):
            start = torch.cat([self._enlarge(z[i : i + 1], before, after) for i in range(len(z))])
            del self.ahead[0]
            z = yield from self._denoise(after, sampler, [], start)

        if not z.isfinite().all():
            raise UserError(INVALID_NUMBERS)
        images = [self.locked.decode(z[i : i + 1], sketch.placement) for i in range(len(z))]
        seeds = [settings.seed + i for i in range(len(z))]
        notes += tuple(BLACK.format(seed=seed) for image, seed in zip(images, seeds, strict=True) if _is_black(image))
        yield Result(self._finished(images, sketch.lines), seeds, settings, notes)

    def _finished(self, images: list[Image.Image], lines: Image.Image) -> list[Image.Image]:
        """With even and matched areas, and under the line art itself, as far as the settings ask for it."""
        settings, measured = self.settings, self.locked.workload.measured_finish
        if is_finished(settings):
            with measured("areas", _pixels(images)):
                images = [finish(image, lines, self.context.palette, settings) for image in images]
        if settings.keep_lines:
            with measured("lines", max(_pixels(images), _pixels([lines] * len(images)))):
                images = [keep_lines(image, lines) for image in images]
        return images

    def _denoise(
        self,
        sketch: EncodedSketch,
        sampler: Sampler,
        references: Sequence[EncodedReference],
        start: Tensor | None = None,
    ) -> Generator[Preview, None, Tensor]:
        """One pass from noise, or from the latent `start` noised to the sampler's first step, to a clean latent."""
        locked, settings = self.locked, self.settings
        z = draw_noise(self.generators, (locked.config.unet.in_channels, *sketch.latent_size)).to(locked.device)
        if start is not None:
            z = sampler.noised(start, z)
        with locked.inside():
            empty = locked.empty_features(sketch.placement) if settings.sketch_guidance_scale != 1 else None
            passes = self._reference_passes(references, sketch, sampler)
            denoiser = GuidedDenoiser(
                locked.model.unet, sampler, settings, sketch.features, empty, self.context.tokens, self.generators,
                passes, self.context.log_weights,
            )  # fmt: skip
        begin = time.perf_counter()
        for index in range(sampler.first, settings.steps):
            with locked.inside():
                with locked.workload.measured(sketch.canvas, len(z) * denoiser.calls(index)):
                    # One image at a time: kernels differ with the batch size, and that must not change a picture.
                    prediction = torch.cat([denoiser.predict(i, index, z[i : i + 1]) for i in range(len(z))])
                expected = sampler.predicted_latent(index, prediction[:1], z[:1])
                z = sampler.step(index, prediction, z)
            if self.pace is not None and self.pace.is_due:
                with self.pace.decoding(locked.device):
                    self.preview = locked.decode(expected, sketch.placement)
            self.step += 1
            step_time = (time.perf_counter() - begin) / (index - sampler.first + 1)
            seconds_left = step_time * (settings.steps - index - 1) + (locked.workload.seconds(self.ahead) or 0)
            yield Preview(self.step, self.steps, self.preview, seconds_left)
        return z

    def _enlarge(self, z: Tensor, before: EncodedSketch, after: EncodedSketch) -> Tensor:
        """The latent (1, C, h, w) of one pass as that of the next."""
        picture = self.locked.decode(z, before.placement)
        return self.locked.encode(enlarged(picture, after.lines, after.placement))

    def _reference_passes(
        self, references: Sequence[EncodedReference], sketch: EncodedSketch, sampler: Sampler
    ) -> ReferencePasses | None:
        settings, model = self.settings, self.locked.model
        if not settings.draws_to_reference:
            return None
        count = len(references)
        cells = map(counting_cells, settings.regions(count))
        latents = [
            encode_latent(model, reference.picture, sketch.size, self.locked.size_multiple, weight, counting)
            for reference, weight, counting in zip(references, settings.weights(count), cells, strict=True)
            if reference.picture is not None and weight > 0 and (counting is None or counting.any())
        ]
        return ReferencePasses(model.unet, sampler, settings, latents) if latents else None


def sampler_of(settings: GenerationSettings, locked: LockedModel, start_noise: float = 1.0) -> Sampler:
    """The sampler that the settings choose, for this model."""
    return Sampler(settings.sampler, settings.schedule, settings.steps, locked.config.noise, start_noise)


def _pixels(images: Sequence[Image.Image]) -> int:
    return sum(image.width * image.height for image in images)


def _is_black(image: Image.Image) -> bool:
    return max(high for _, high in image.getextrema()) < DARKEST
