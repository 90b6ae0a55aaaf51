"""The named endpoint for programs: `/colorize`."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gradio as gr

from colorizer.errors import UserError
from colorizer.images import read_picture
from colorizer.lineart import load_sketch
from colorizer.pipeline import Result
from colorizer.settings import GenerationSettings
from ui.colorize_events import MODEL_QUEUE
from ui.colorize_run import errors_as_toasts, save_results
from ui.model_shelf import ModelShelf
from ui.picture_upload import picture_upload
from ui.settings_layout import MAX_SEED, SLIDER_RANGES
from ui.texts import text

DESCRIPTION = (
    "Colour a sketch from a reference picture with the default model. sketch: line art file; reference: colour picture "
    "file or None; gs and sgs: reference and sketch guidance scales; noise_level: 0 to 1; steps; seed. "
    "Returns a PNG file that carries its settings."
)


def add_colorize_endpoint(shelf: ModelShelf) -> None:
    """Call inside `gr.Blocks`. The components are not drawn; they give the endpoint its types, names and limits."""

    def colorize(sketch, reference, gs, sgs, noise_level, steps, seed) -> Iterator[str | None]:
        with errors_as_toasts():
            if sketch is None:
                raise UserError(text("error_no_sketch"))
            settings = GenerationSettings(
                guidance_scale=gs, sketch_guidance_scale=sgs, noise_level=noise_level, steps=steps, seed=seed
            )
            prepared = load_sketch(sketch)
            colorizer = shelf.open(shelf.default())
            encoded_reference = None if reference is None else colorizer.encode_reference(read_picture(reference))
            encoded_sketch = colorizer.encode_sketch(prepared, settings.size)
            with closing(colorizer.generate(encoded_sketch, encoded_reference, settings)) as events:
                for event in events:
                    if isinstance(event, Result):
                        with tempfile.TemporaryDirectory() as folder:
                            yield str(save_results(event, colorizer, Path(folder), "colorized")[0])
                    else:
                        yield None  # a place where a cancelled call or a lost caller ends the run

    def number(name: str, label: str) -> gr.Number:
        minimum, maximum, value = SLIDER_RANGES[name]
        return gr.Number(value, minimum=minimum, maximum=maximum, label=label, visible=False)

    trigger = gr.Button(visible=False)
    trigger.click(
        colorize,
        inputs=[
            picture_upload(text("api_sketch"), visible=False),
            picture_upload(text("api_reference"), visible=False),
            number("guidance_scale", "gs"),
            number("sketch_guidance_scale", "sgs"),
            number("noise_level", "noise_level"),
            number("steps", "steps"),
            gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="seed", visible=False),
        ],
        outputs=gr.File(label=text("api_result"), visible=False),
        api_name="colorize",
        api_description=DESCRIPTION,
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
    )
