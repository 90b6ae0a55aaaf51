"""The one way to pictures for the page, for folders and for programs."""

from collections.abc import Callable, Iterator
from contextlib import closing

from PIL.Image import Image

from colorizer.generation import Preview, Result
from colorizer.settings import MOST_REFERENCES, GenerationSettings
from ui.errors import errors_as_toasts
from ui.gpu import on_gpu
from ui.model_shelf import ModelShelf

# Seconds of a GPU to ask for. Upper bounds and no estimates: what takes longer than it asked for is ended.
GPU_START = 15  # the weights come to the GPU, the sketch and the reference are encoded, the pictures decoded
GPU_PASS = 0.1  # one pass through the U-Net at 512 x 512 pixels

Generate = Callable[..., Iterator[Preview | Result]]


def gpu_seconds(settings: GenerationSettings, native_size: int) -> int:
    """How long a GPU to ask for: it grows with the steps, the pictures, their pixels and the guidance."""
    guided = (settings.guidance_scale != 1) + (settings.sketch_guidance_scale != 1)
    drawn = settings.draws_to_reference * MOST_REFERENCES
    passes = settings.steps * settings.batch_size * (1 + guided + drawn) * (1 + settings.sharp)
    squares = ((settings.size or native_size) / 512) ** 2
    return round(GPU_START + GPU_PASS * passes * max(squares, 0.25))


def build_generate(shelf: ModelShelf) -> Generate:
    """`generate(model, prediction_type, sketch, reference, settings, previews=True)` for the models of a shelf.

    It yields as `Colorizer.generate` does, and closing it ends the run after the step under way. Errors are `gr.Error`.
    """

    def seconds(model, prediction_type, sketch, reference, settings, previews=True) -> int:
        return gpu_seconds(settings, shelf.describe(model).native_size)

    def generate(
        model: str,
        prediction_type: str | None,
        sketch: Image,
        reference: Image | list[Image] | None,
        settings: GenerationSettings,
        previews: bool = True,
    ) -> Iterator[Preview | Result]:
        with errors_as_toasts(), shelf.using(model, prediction_type) as colorizer:
            pictures = [reference] if isinstance(reference, Image) else reference or []
            references = [colorizer.encode_reference(picture) for picture in pictures]
            encoded_sketch = colorizer.encode_sketch(sketch, settings.size, settings.sharp)
            with closing(colorizer.generate(encoded_sketch, references, settings, previews)) as events:
                yield from events

    return on_gpu(generate, seconds)
