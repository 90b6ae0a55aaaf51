"""From a sketch and a reference to pictures: load a model, encode once, edit, generate as often as wanted."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from colorizer.checkpoint import checkpoint_hash, load_checkpoint
from colorizer.config import ModelConfig
from colorizer.denoiser import branches
from colorizer.encoded import EncodedReference, EncodedSketch
from colorizer.encoder import Encoder, halves_clip
from colorizer.errors import UserError
from colorizer.finish import is_finished
from colorizer.generation import Generation, Preview, ReferenceContext, Result, sampler_of
from colorizer.images import canvas_size, fit_and_pad, fitted_size
from colorizer.locked_model import LockedModel
from colorizer.manipulation import Edit, apply_edits
from colorizer.manipulation.regions import unchanged_cells
from colorizer.match_colours import Palette
from colorizer.memory_retry import generate_within_memory, not_enough_memory
from colorizer.models.model import ColorizationModel
from colorizer.png import PictureParameters
from colorizer.precision import choose_device, choose_dtype, is_out_of_memory
from colorizer.references import combine_references, counting_cells
from colorizer.settings import MOST_REFERENCES, GenerationSettings
from colorizer.sharp import REFINE_NOISE, draft_size
from colorizer.similarity import active_steps
from colorizer.thin_lines import reduce_line_art
from colorizer.workload import Estimate

LARGEST_KEPT = 2048  # longest side in pixels of a reference that is kept for its own pass
NO_SKETCH = "There is no sketch; add the line art to be coloured."


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
        self.model = model
        self.locked = LockedModel(model, dtype)
        self.device, self.dtype, self.workload = self.locked.device, dtype, self.locked.workload
        self.encoder = Encoder(model.clip, halves_clip(dtype, self.device))

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
            self.config.parts,
        )
        unedited = unchanged_cells(reference.tokens, tokens) if edits else None
        return dataclasses.replace(reference, tokens=tokens, unedited=unedited), tuple(notes)

    def encode_text(self, texts: list[str]) -> Tensor:
        """Text embeddings (len(texts), D), float32, each of length 1."""
        return self.encoder.encode_text(texts)

    def encode_sketch(self, sketch: Image.Image, size: int | None = None, sharp: bool = False) -> EncodedSketch:
        """Sketch features of dark lines on white ("L" or "RGB").

        size: longest side of the picture to be made, in pixels; None is the model's native size. The aspect is kept:
        the sketch is padded with white to sides that the U-Net can halve on every level, and results are cropped back.
        sharp: prepare the passes before, from the native size on, where `size` is larger.
        Raises UserError without a sketch, for a size that does not fit the memory, and when memory runs out.
        """
        if sketch is None:
            raise UserError(NO_SKETCH)
        size = size or self.config.native_size
        downscale = self.model.vae.downscale
        shown = sketch.convert("RGB")
        if max(shown.size) > size:
            shown = reduce_line_art(shown, fitted_size(shown.size, size))
        canvas, placement = fit_and_pad(shown, size, "white", self.locked.size_multiple)
        self.workload.refuse_if_too_large(placement.width, placement.height)
        before = draft_size(self.config.native_size, size) if sharp else None
        draft = self.encode_sketch(sketch, before, sharp) if before else None
        # Inverted: lines +1 on a ground of -1.
        pixels = (1 - pil_to_tensor(canvas)[None] / 127.5).to(self.device, self.dtype)
        try:
            with self.locked.inside():
                features = self.model.sketch_encoder(pixels)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise not_enough_memory(placement) from None
        latent_size = (canvas.height // downscale, canvas.width // downscale)
        return EncodedSketch(features, latent_size, placement, sketch.convert("L"), draft)

    def estimate(self, sketch_size: tuple[int, int], settings: GenerationSettings, references: int = 1) -> Estimate:
        """What a run would take, before it. sketch_size: (width, height) of the upload; references: their number."""
        native = self.config.native_size
        sizes = [settings.size or native]
        while settings.sharp and (before := draft_size(native, sizes[0])):
            sizes.insert(0, before)
        canvases = [canvas_size(sketch_size, size, self.locked.size_multiple) for size in sizes]
        sampler = sampler_of(settings, self.locked, REFINE_NOISE)
        passes, counts = [], []
        for index, canvas in enumerate(canvases):
            steps = range(sampler.first if index else 0, settings.steps)
            active = active_steps(settings) if references and settings.draws_to_reference and index == 0 else ()
            drawn = references * len(set(steps) & set(active))
            passes.append((canvas, settings.batch_size * (len(steps) * branches(settings, references) + drawn)))
            counts.append(len(steps))
        canvas, upload = (width * height for width, height in (canvases[-1], sketch_size))
        finish = {"areas": canvas} if is_finished(settings) else {}
        finish |= {"lines": max(canvas, upload)} if settings.keep_lines else {}
        return self.workload.estimate(passes, settings.batch_size, counts, finish)

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

        def run(sketch: EncodedSketch) -> Iterator[Preview | Result]:
            context = self._context(references, settings)
            return Generation(self.locked, references, context, settings, previews).run(sketch)

        events = generate_within_memory(self.locked, sketch, run, self.encode_sketch)
        del sketch  # it would keep memory that a repeated run needs
        yield from events

    def _context(self, references: list[EncodedReference], settings: GenerationSettings) -> ReferenceContext:
        """All references after the edits, as the U-Net sees them.

        A region painted for an edit lies on the first reference; the others are edited by the text alone.
        """
        if not references:
            if settings.edits:
                raise UserError("Edits change a reference and there is none; add a reference or remove the edits.")
            return ReferenceContext()
        contexts, palettes, notes = [], [], {}
        regions = settings.regions(len(references))
        for index, reference in enumerate(references):
            edits = settings.edits
            if index:
                edits = [dataclasses.replace(edit, region_mask=None) for edit in edits]
            edited, said = self.edit_reference(reference, edits)
            contexts.append(self.model.reference_context(edited.tokens))
            if settings.match_colours and settings.weights(len(references))[index]:
                palettes.append(edited.palette(counting_cells(regions[index])))
            notes |= dict.fromkeys(said)
        tokens, log_weights = combine_references(contexts, settings.weights(len(references)), regions)
        palette = None
        if palettes:
            colours = np.concatenate([each.colours for each in palettes])
            palette = Palette(colours, min(each.near for each in palettes))
        return ReferenceContext(tokens, log_weights, palette, tuple(notes))
