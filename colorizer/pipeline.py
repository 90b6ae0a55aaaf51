"""From a sketch and a reference to pictures: encode once, edit, noise, denoise, decode."""

import dataclasses
import threading
import time
from collections.abc import Iterator, Sequence
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
from colorizer.denoiser import GuidedDenoiser
from colorizer.encoder import Encoder, halves_clip
from colorizer.errors import UserError
from colorizer.images import Placement, fit_and_pad
from colorizer.layers import keep_lines
from colorizer.manipulation import Edit, apply_edits
from colorizer.models.model import ColorizationModel
from colorizer.precision import choose_device, choose_dtype, is_out_of_memory
from colorizer.sampling import Sampler, draw_noise, image_generators
from colorizer.settings import GenerationSettings
from colorizer.similarity import ReferencePasses, encode_latent

LARGEST_KEPT = 2048  # longest side in pixels of a reference that is kept for its own pass
NO_LINES = -1.0  # the sketch's value where there is no line
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

    lines: the sketch itself, mode "L", in its own size.
    """

    features: tuple[Tensor, ...]
    latent_size: tuple[int, int]
    placement: Placement
    lines: Image.Image


@dataclass(frozen=True)
class Preview:
    """After step `step` of `steps`: image 0 as the model expects it to become.

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

    def encode_sketch(self, sketch: Image.Image, size: int | None = None) -> EncodedSketch:
        """Sketch features of dark lines on white ("L" or "RGB").

        size: longest side of the picture to be made, in pixels; None is the model's native size. The aspect is kept:
        the sketch is padded with white to sides that the U-Net can halve on every level, and results are cropped back.
        Raises UserError without a sketch and when memory runs out.
        """
        if sketch is None:
            raise UserError(NO_SKETCH)
        downscale, multiple = self.model.vae.downscale, self.size_multiple
        canvas, placement = fit_and_pad(sketch.convert("RGB"), size or self.config.native_size, "white", multiple)
        # Inverted: lines +1 on a ground of -1.
        pixels = (1 - _to_tensor(canvas) / 127.5).to(self.device, self.dtype)
        try:
            with self._inside_model():
                features = self.model.sketch_encoder(pixels)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise _not_enough_memory(placement) from None
        return EncodedSketch(
            features, (canvas.height // downscale, canvas.width // downscale), placement, sketch.convert("L")
        )

    def colorize(
        self, sketch: Image.Image, reference: Image.Image | None, settings: GenerationSettings | None = None
    ) -> list[Image.Image]:
        """`settings.batch_size` colourings of a sketch ("L" or "RGB", dark lines on white).

        Without a reference the colours are the model's own.
        """
        settings = settings or GenerationSettings()
        encoded_sketch = self.encode_sketch(sketch, settings.size)
        encoded_reference = None if reference is None else self.encode_reference(reference)
        *_, result = self.generate(encoded_sketch, encoded_reference, settings, previews=False)
        return result.images

    def generate(
        self,
        sketch: EncodedSketch,
        reference: EncodedReference | None,
        settings: GenerationSettings,
        previews: bool = True,
    ) -> Iterator[Preview | Result]:
        """Yield a `Preview` after every step and a `Result` at the end.

        Closing the iterator stops after the step under way.
        `settings.size` was used by `encode_sketch` and has no effect here. Without a reference its tokens are zeros and
        GS has no effect. Raises UserError, also when memory runs out, after which the next generation works.
        """
        if sketch is None:
            raise UserError(NO_SKETCH)
        try:
            yield from self._generate(sketch, reference, settings, previews)
            return
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside `except`, the traceback is gone and with it the frames that held the tensors of this generation.
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        raise _not_enough_memory(sketch.placement)

    def _generate(
        self,
        sketch: EncodedSketch,
        reference: EncodedReference | None,
        settings: GenerationSettings,
        previews: bool,
    ) -> Iterator[Preview | Result]:
        tokens, notes = self._edited_tokens(reference, settings)
        sampler = Sampler(settings.sampler, settings.schedule, settings.steps, self.config.noise)
        generators = image_generators(settings.seed, settings.batch_size)
        z = draw_noise(generators, (self.config.unet.in_channels, *sketch.latent_size)).to(self.device)
        with self._inside_model():
            empty = self._empty_features(sketch) if settings.sketch_guidance_scale != 1 else None
            passes = self._reference_passes(reference, sketch, settings, sampler)
            denoiser = GuidedDenoiser(
                self.model.unet, sampler, settings, sketch.features, empty, tokens, generators, passes
            )
        preview = _PreviewPace()
        start = time.perf_counter()

        for index in range(settings.steps):
            with self._inside_model():
                # One image at a time: kernels differ with the batch size, and that must not change a picture.
                prediction = torch.cat([denoiser.predict(i, index, z[i : i + 1]) for i in range(len(z))])
                expected = sampler.predicted_latent(index, prediction[:1], z[:1])
                z = sampler.step(index, prediction, z)
            if previews and preview.is_due:
                with preview.decoding(self.device):
                    preview.image = self._decode(expected, sketch.placement)
            step_time = (time.perf_counter() - start) / (index + 1)
            yield Preview(index + 1, settings.steps, preview.image, step_time * (settings.steps - index - 1))

        if not z.isfinite().all():
            raise UserError("The model gave invalid numbers (NaN); lower the guidance scales or choose dtype float32.")
        images = [self._decode(z[i : i + 1], sketch.placement) for i in range(len(z))]
        if settings.keep_lines:
            images = [keep_lines(image, sketch.lines) for image in images]
        yield Result(images, [settings.seed + i for i in range(len(z))], settings, notes)

    def _edited_tokens(
        self, reference: EncodedReference | None, settings: GenerationSettings
    ) -> tuple[Tensor | None, tuple[str, ...]]:
        """The tokens that the U-Net sees, (1, n, D) float32, after the edits, and notes about these."""
        if reference is None:
            if settings.edits:
                raise UserError("Edits change a reference and there is none; add a reference or remove the edits.")
            return None, ()
        edited, notes = self.edit_reference(reference, settings.edits)
        return self.model.reference_context(edited.tokens), notes

    def _reference_passes(
        self, reference: EncodedReference | None, sketch: EncodedSketch, settings: GenerationSettings, sampler: Sampler
    ) -> ReferencePasses | None:
        if reference is None or reference.picture is None or not settings.draws_to_reference:
            return None
        left, top, right, bottom = sketch.placement.box
        size = max(right - left, bottom - top)
        latent = encode_latent(self.model, reference.picture, size, self.size_multiple)
        return ReferencePasses(self.model.unet, sampler, settings, [latent])

    def _empty_features(self, sketch: EncodedSketch) -> tuple[Tensor, ...]:
        size = (sketch.placement.height, sketch.placement.width)
        return self.model.sketch_encoder(torch.full((1, 3, *size), NO_LINES, device=self.device, dtype=self.dtype))

    def _decode(self, z: Tensor, placement: Placement) -> Image.Image:
        """z (1, C, h, w) -> the picture, cropped to the sketch's aspect."""
        with self._inside_model():
            pixels = self.model.vae.decode(z)[0]
            levels = ((pixels.nan_to_num(0).clamp(-1, 1) + 1) * 127.5).round().to("cpu", torch.uint8)
        # (3, H, W) -> (H, W, 3)
        return placement.crop(Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy()))

    @contextmanager
    def _inside_model(self) -> Iterator[None]:
        with self._lock, torch.inference_mode():
            yield


class _PreviewPace:
    """Keeps decoding of previews to about a third of the time, however slow the decoder is next to the U-Net."""

    def __init__(self):
        self.image: Image.Image | None = None
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


def _to_tensor(image: Image.Image) -> Tensor:
    """An "RGB" picture as (1, 3, H, W) float32 in [0, 255]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
