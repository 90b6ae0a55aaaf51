"""From a sketch and a reference to pictures: encode once, edit, noise, denoise, decode."""

import dataclasses
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorizer.checkpoint import checkpoint_hash, load_checkpoint
from colorizer.config import ModelConfig
from colorizer.denoiser import GuidedDenoiser, branches
from colorizer.encoder import Encoder, halves_clip
from colorizer.errors import UserError
from colorizer.images import Placement, canvas_size, fit_and_pad
from colorizer.layers import keep_lines
from colorizer.manipulation import Edit, apply_edits
from colorizer.models.model import ColorizationModel
from colorizer.png import PictureParameters
from colorizer.precision import choose_device, choose_dtype, is_out_of_memory
from colorizer.references import combine_references
from colorizer.sampling import Sampler, draw_noise, image_generators
from colorizer.settings import MOST_REFERENCES, GenerationSettings
from colorizer.sharp import enlarge_latent
from colorizer.similarity import ReferencePasses, active_steps, encode_latent
from colorizer.workload import Estimate, Workload

LARGEST_KEPT = 2048  # longest side in pixels of a reference that is kept for its own pass
SMALLEST_RETRY = 64  # longest side in pixels; below it a repeated run would be of no use
TILE, TILE_OVERLAP = 128, 32  # latent positions; larger latents are decoded in tiles
REFINE_NOISE = 0.6  # beta_t at which the second pass of a sharp picture begins
DARKEST = 12  # a picture without a level from here on is black
NO_LINES = -1.0  # the sketch's value where there is no line
INVALID_NUMBERS = "The model gave invalid numbers (NaN); lower the guidance scales or choose dtype float32."
BLACK = "The picture with seed {seed} came out black; try another seed, lower guidance scales or dtype float32."
NO_SKETCH = "There is no sketch; add the line art to be coloured."


@dataclass(frozen=True)
class EncodedReference:
    """tokens: (1, 1 + n, D) float32, CLS first, not normalised; on the model's device.

    picture: the reference itself, mode "RGB", perhaps smaller, for attention injection and AdaIN.
    """

    tokens: Tensor
    picture: Image.Image | None = None


@dataclass(frozen=True)
class EncodedSketch:
    """features: the sketch encoder's, batch 1. latent_size: (h, w). placement: where the sketch lies on its padding.

    lines: the sketch itself, mode "L", in its own size. draft: for a sharp picture, the same at the native size.
    """

    features: tuple[Tensor, ...]
    latent_size: tuple[int, int]
    placement: Placement
    lines: Image.Image
    draft: "EncodedSketch | None" = None

    @property
    def size(self) -> int:
        """Longest side of the picture to be made, in pixels."""
        left, top, right, bottom = self.placement.box
        return max(right - left, bottom - top)


@dataclass(frozen=True)
class Preview:
    """After step `step` of `steps` (of both passes of a sharp picture): image 0 as the model expects it to become.

    The same image may come several times where decoding is slow next to a step; None when no previews are wanted.
    """

    step: int
    steps: int
    image: Image.Image | None
    seconds_left: float


@dataclass(frozen=True)
class Result:
    """images[i] was made with seeds[i]. notes: sentences for the user, about the edits."""

    images: list[Image.Image]
    seeds: list[int]
    settings: GenerationSettings
    notes: tuple[str, ...] = ()


class Colorizer:
    """A loaded model, safe to call from several threads: only one of them is inside the model at a time.

    The lock is held for one step and never over a `yield`, so a generation that somebody leaves alone blocks nobody.
    CLIP has a lock of its own: references and texts are encoded while a generation runs.
    """

    def __init__(self, model: ColorizationModel, path: str | Path, dtype: torch.dtype = torch.float32):
        """`model` in float32 on its device, from the file `path`; `dtype` is what the denoiser will compute in.

        The VAE stays in float32, where bfloat16 would cost visible levels of grey. CLIP is halved on a GPU only.
        """
        self.config: ModelConfig = model.config
        self.path = Path(path)
        self.device = next(model.parameters()).device
        self.dtype = dtype
        self.model = model
        model.unet.to(dtype)
        model.sketch_encoder.to(dtype)
        self.encoder = Encoder(model.clip, halves_clip(dtype, self.device))
        self.workload = Workload(self.config, self.device, dtype, self.model.vae.downscale)
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, path: str | Path, device: str = "auto", dtype: str = "auto", prediction_type: str | None = None
    ) -> "Colorizer":
        """Load a checkpoint of this project or a published v1 file.

        device: "auto", "cpu", "cuda", ...; dtype: see `precision.choose_dtype`; prediction_type: "v_prediction" or
        "epsilon", for published files, which do not tell. Raises UserError.
        """
        where = choose_device(device)
        chosen = choose_dtype(dtype, where)
        return cls(load_checkpoint(path, prediction_type=prediction_type, device=where), path, chosen)

    @cached_property
    def model_hash(self) -> str:
        """Names the checkpoint file by its content."""
        return checkpoint_hash(self.path)

    @property
    def size_multiple(self) -> int:
        """Sides of the canvas are multiples of this: the U-Net halves the latent on every level."""
        return self.model.vae.downscale * 2 ** (len(self.config.unet.block_out_channels) - 1)

    def parameters_of(self, settings: GenerationSettings, seed: int, preparation: str = "") -> PictureParameters:
        """What is stored in a picture that this model made; preparation: mode of the sketch, where known."""
        config = self.config
        return PictureParameters(
            settings,
            seed,
            config.name,
            self.model_hash,
            preparation=preparation,
            prediction_type=config.noise.prediction_type,
        )

    def encode_reference(self, image: Image.Image) -> EncodedReference:
        """Image tokens of a reference picture of any size and aspect."""
        kept = image.convert("RGB")
        kept.thumbnail((LARGEST_KEPT, LARGEST_KEPT))
        return EncodedReference(self.encoder.encode_image(image), kept)

    def edit_reference(
        self, reference: EncodedReference, edits: Sequence[Edit]
    ) -> tuple[EncodedReference, tuple[str, ...]]:
        """The reference after the edits, as every generation applies them, and notes for the user about them."""
        tokens, notes = apply_edits(
            reference.tokens,
            edits,
            self.encode_text,
            self.config.kind,
            self.config.relevance_polarity,
            self.model.clip.tokenizer,
            self.config.known_words,
        )
        return dataclasses.replace(reference, tokens=tokens), tuple(notes)

    def encode_text(self, texts: list[str]) -> Tensor:
        """Text embeddings (len(texts), D), float32, each of length 1."""
        return self.encoder.encode_text(texts)

    def encode_sketch(self, sketch: Image.Image, size: int | None = None, sharp: bool = False) -> EncodedSketch:
        """Sketch features of dark lines on white ("L" or "RGB").

        size: longest side of the picture to be made, in pixels; None is the model's native size. The aspect is kept:
        the sketch is padded with white to sides that the U-Net can halve on every level, and results are cropped back.
        sharp: prepare a first pass at the native size where `size` is larger.
        Raises UserError without a sketch, for a size that does not fit the memory, and when memory runs out.
        """
        if sketch is None:
            raise UserError(NO_SKETCH)
        size = size or self.config.native_size
        downscale = self.model.vae.downscale
        canvas, placement = fit_and_pad(sketch.convert("RGB"), size, "white", self.size_multiple)
        self.workload.refuse_if_too_large(placement.width, placement.height)
        draft = self.encode_sketch(sketch) if sharp and size > self.config.native_size else None
        # Inverted: lines +1 on a ground of -1.
        pixels = (1 - _to_tensor(canvas) / 127.5).to(self.device, self.dtype)
        try:
            with self._inside_model():
                features = self.model.sketch_encoder(pixels)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise _not_enough_memory(placement) from None
        latent_size = (canvas.height // downscale, canvas.width // downscale)
        return EncodedSketch(features, latent_size, placement, sketch.convert("L"), draft)

    def estimate(self, sketch_size: tuple[int, int], settings: GenerationSettings, references: int = 1) -> Estimate:
        """What a run would take, before it. sketch_size: (width, height) in any unit; references: their number."""
        native = self.config.native_size
        sizes = [settings.size or native]
        if settings.sharp and sizes[0] > native:
            sizes.insert(0, native)
        canvases = [canvas_size(sketch_size, size, self.size_multiple) for size in sizes]
        sampler = self._sampler(settings, start_noise=REFINE_NOISE)
        passes = []
        for index, canvas in enumerate(canvases):
            steps = range(sampler.first if index else 0, settings.steps)
            active = active_steps(settings) if references and settings.draws_to_reference and index == 0 else ()
            drawn = references * len(set(steps) & set(active))
            passes.append((canvas, settings.batch_size * (len(steps) * branches(settings, references) + drawn)))
        return self.workload.estimate(passes, settings.batch_size)

    def colorize(
        self,
        sketch: Image.Image,
        reference: Image.Image | Sequence[Image.Image] | None,
        settings: GenerationSettings | None = None,
    ) -> list[Image.Image]:
        """`settings.batch_size` colourings of a sketch ("L" or "RGB", dark lines on white).

        reference: one picture or up to three. Without a reference the colours are the model's own.
        """
        settings = settings or GenerationSettings()
        references = [reference] if isinstance(reference, Image.Image) else reference or []
        encoded_sketch = self.encode_sketch(sketch, settings.size, settings.sharp)
        encoded = [self.encode_reference(picture) for picture in references]
        *_, result = self.generate(encoded_sketch, encoded, settings, previews=False)
        return result.images

    def generate(
        self,
        sketch: EncodedSketch,
        reference: EncodedReference | Sequence[EncodedReference] | None,
        settings: GenerationSettings,
        previews: bool = True,
    ) -> Iterator[Preview | Result]:
        """Yield a `Preview` after every step and a `Result` at the end.

        reference: one or up to three. Without one its tokens are zeros and GS has no effect.
        Closing the iterator stops after the step under way. `settings.size` and `settings.sharp` were used by
        `encode_sketch` and have no effect here. Raises UserError. When memory runs out, the run is repeated once at
        half the size, which a note says; the next generation works in any case.
        """
        if sketch is None:
            raise UserError(NO_SKETCH)
        references = [reference] if isinstance(reference, EncodedReference) else list(reference or ())
        if len(references) > MOST_REFERENCES:
            raise UserError(f"There are {len(references)} references; at most {MOST_REFERENCES} are taken.")
        placement, lines, smaller = sketch.placement, sketch.lines, sketch.size // 2
        try:
            yield from self._generate(sketch, references, settings, previews)
            return
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside `except`, the traceback is gone and with it the frames that held the tensors of this generation.
        del sketch
        self._free_memory()
        if smaller < SMALLEST_RETRY:
            raise _not_enough_memory(placement)
        try:
            for event in self._generate(self.encode_sketch(lines, smaller), references, settings, previews):
                if isinstance(event, Result):
                    width, height = event.images[0].size
                    note = f"There was not enough memory for the size that was asked for; this is {width} x {height}."
                    event = dataclasses.replace(event, notes=(note, *event.notes))
                yield event
            return
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        self._free_memory()
        raise _not_enough_memory(placement)

    def _generate(
        self,
        sketch: EncodedSketch,
        references: list[EncodedReference],
        settings: GenerationSettings,
        previews: bool,
    ) -> Iterator[Preview | Result]:
        tokens, log_weights, notes = self._edited_tokens(references, settings)
        generators = image_generators(settings.seed, settings.batch_size)
        run = _Run(settings, tokens, log_weights, generators, _PreviewPace() if previews else None)
        if sketch.draft is None:
            z = yield from self._denoise(run, sketch, self._sampler(settings), references)
        else:
            refining = self._sampler(settings, start_noise=REFINE_NOISE)
            run.steps += settings.steps - refining.first
            z = yield from self._denoise(run, sketch.draft, self._sampler(settings), references)
            with self._inside_model():
                z = enlarge_latent(z, sketch.draft.placement, sketch.placement, self.model.vae.downscale)
            z = yield from self._denoise(run, sketch, refining, [], start=z)

        if not z.isfinite().all():
            raise UserError(INVALID_NUMBERS)
        images = [self._decode(z[i : i + 1], sketch.placement) for i in range(len(z))]
        seeds = [settings.seed + i for i in range(len(z))]
        notes += tuple(BLACK.format(seed=seed) for image, seed in zip(images, seeds, strict=True) if _is_black(image))
        if settings.keep_lines:
            images = [keep_lines(image, sketch.lines) for image in images]
        yield Result(images, seeds, settings, notes)

    def _denoise(
        self,
        run: "_Run",
        sketch: EncodedSketch,
        sampler: Sampler,
        references: list[EncodedReference],
        start: Tensor | None = None,
    ) -> Generator[Preview, None, Tensor]:
        """One pass from noise, or from the latent `start` noised to the sampler's first step, to a clean latent.

        references: what the picture is drawn to, where the settings say so.
        """
        settings = run.settings
        shape = (self.config.unet.in_channels, *sketch.latent_size)
        z = draw_noise(run.generators, shape).to(self.device)
        if start is not None:
            z = sampler.noised(start, z)
        with self._inside_model():
            empty = self._empty_features(sketch) if settings.sketch_guidance_scale != 1 else None
            passes = self._reference_passes(references, sketch, settings, sampler)
            denoiser = GuidedDenoiser(
                self.model.unet, sampler, settings, sketch.features, empty, run.tokens, run.generators, passes,
                run.log_weights,
            )  # fmt: skip
        canvas = (sketch.placement.width, sketch.placement.height)
        begin = time.perf_counter()
        for index in range(sampler.first, settings.steps):
            with self._inside_model():
                with self.workload.measured(canvas, len(z) * denoiser.calls(index)):
                    # One image at a time: kernels differ with the batch size, and that must not change a picture.
                    prediction = torch.cat([denoiser.predict(i, index, z[i : i + 1]) for i in range(len(z))])
                expected = sampler.predicted_latent(index, prediction[:1], z[:1])
                z = sampler.step(index, prediction, z)
            if run.pace is not None and run.pace.is_due:
                with run.pace.decoding(self.device):
                    run.image = self._decode(expected, sketch.placement)
            run.step += 1
            step_time = (time.perf_counter() - begin) / (index - sampler.first + 1)
            yield Preview(run.step, run.steps, run.image, step_time * (run.steps - run.step))
        return z

    def _sampler(self, settings: GenerationSettings, start_noise: float = 1.0) -> Sampler:
        return Sampler(settings.sampler, settings.schedule, settings.steps, self.config.noise, start_noise)

    def _edited_tokens(
        self, references: list[EncodedReference], settings: GenerationSettings
    ) -> tuple[Tensor | None, Tensor | None, tuple[str, ...]]:
        """The tokens that the U-Net sees, (1, n, D) float32, after the edits, their weights, and notes on the edits.

        A region painted for an edit lies on the first reference; the others are edited by the text alone.
        """
        if not references:
            if settings.edits:
                raise UserError("Edits change a reference and there is none; add a reference or remove the edits.")
            return None, None, ()
        contexts, notes = [], {}
        for index, reference in enumerate(references):
            edits = settings.edits
            if index:
                edits = [dataclasses.replace(edit, region_mask=None) for edit in edits]
            edited, said = self.edit_reference(reference, edits)
            contexts.append(self.model.reference_context(edited.tokens))
            notes |= dict.fromkeys(said)
        count = len(references)
        tokens, log_weights = combine_references(contexts, settings.weights(count), settings.regions(count))
        return tokens, log_weights, tuple(notes)

    def _reference_passes(
        self,
        references: list[EncodedReference],
        sketch: EncodedSketch,
        settings: GenerationSettings,
        sampler: Sampler,
    ) -> ReferencePasses | None:
        if not settings.draws_to_reference:
            return None
        weights = settings.weights(len(references))
        latents = [
            encode_latent(self.model, reference.picture, sketch.size, self.size_multiple, weight)
            for reference, weight in zip(references, weights, strict=True)
            if reference.picture is not None and weight > 0
        ]
        return ReferencePasses(self.model.unet, sampler, settings, latents) if latents else None

    def _empty_features(self, sketch: EncodedSketch) -> tuple[Tensor, ...]:
        size = (sketch.placement.height, sketch.placement.width)
        return self.model.sketch_encoder(torch.full((1, 3, *size), NO_LINES, device=self.device, dtype=self.dtype))

    def _decode(self, z: Tensor, placement: Placement) -> Image.Image:
        """z (1, C, h, w) -> the picture, cropped to the sketch's aspect."""
        with self._inside_model():
            if max(z.shape[2:]) > TILE:
                pixels = self.model.vae.decode_in_tiles(z, TILE, TILE_OVERLAP)[0]
            else:
                pixels = self.model.vae.decode(z)[0]
            if not pixels.isfinite().all():
                raise UserError(INVALID_NUMBERS)
            levels = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to("cpu", torch.uint8)
        # (3, H, W) -> (H, W, 3)
        return placement.crop(Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy()))

    def _free_memory(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @contextmanager
    def _inside_model(self) -> Iterator[None]:
        with self._lock, torch.inference_mode():
            yield


@dataclass
class _Run:
    """One generation: what its passes share, and how far it is."""

    settings: GenerationSettings
    tokens: Tensor | None
    log_weights: Tensor | None
    generators: list[torch.Generator]
    pace: "_PreviewPace | None"
    step: int = 0
    steps: int = 0
    image: Image.Image | None = None

    def __post_init__(self):
        self.steps = self.settings.steps


class _PreviewPace:
    """Keeps decoding of previews to about a third of the time, however slow the decoder is next to the U-Net."""

    def __init__(self):
        self._cost = 0.0
        self._shown = 0.0

    @property
    def is_due(self) -> bool:
        return time.perf_counter() - self._shown >= 2 * self._cost

    @contextmanager
    def decoding(self, device: torch.device) -> Iterator[None]:
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # the steps still in the queue are not the decoder's cost
        start = time.perf_counter()
        yield
        self._shown = time.perf_counter()
        self._cost = self._shown - start


def _not_enough_memory(placement: Placement) -> UserError:
    size = f"{placement.width} x {placement.height}"
    return UserError(f"There is not enough memory for a picture of {size} pixels; choose a smaller size.")


def _is_black(image: Image.Image) -> bool:
    return max(high for _, high in image.getextrema()) < DARKEST


def _to_tensor(image: Image.Image) -> Tensor:
    """An "RGB" picture as (1, 3, H, W) float32 in [0, 255]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
