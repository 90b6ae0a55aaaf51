"""The layers of the picture on the stage, made when they are asked for: colours, lines, and both as OpenRaster."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from PIL import Image

from colorizer.layers import separate
from colorizer.openraster import save_openraster
from ui.errors import errors_as_toasts
from ui.queues import PICTURES
from ui.texts import text


@dataclass(frozen=True)
class LayersPanel:
    """make: the button; files: the layers to download, hidden until there are any."""

    make: gr.Button
    files: gr.File


def build_layers_panel() -> LayersPanel:
    """Stands under the stage."""
    with gr.Row(elem_id="layers-row", equal_height=True):
        make = gr.Button(text("layers_make"), size="sm", interactive=False, scale=0, min_width=150, elem_id="layers")
        files = gr.File(
            label=text("layers_files"), file_count="multiple", interactive=False, visible=False, elem_id="layer-files"
        )
    return LayersPanel(make, files)


def connect_layers(panel: LayersPanel, compared: gr.State, shown_seed: gr.State, run_seeds: gr.State) -> None:
    """compared: the files of every variant; shown_seed: of the picture on the stage; run_seeds: of all variants."""

    def make(pictures, shown, seeds) -> Iterator:
        with errors_as_toasts(), tempfile.TemporaryDirectory() as folder:
            files = pictures[seeds.index(shown)]
            yield gr.update(value=[str(path) for path in _save(files.result, files.sketch, Path(folder))], visible=True)

    panel.make.click(
        make,
        inputs=[compared, shown_seed, run_seeds],
        outputs=panel.files,
        **PICTURES,
        show_progress="minimal",
        show_progress_on=panel.make,
        api_visibility="private",
    )
    # Another picture has other layers; it may have the same seed.
    gr.on(
        [shown_seed.change, compared.change],
        lambda shown: (gr.update(interactive=shown is not None), gr.update(value=None, visible=False)),
        inputs=shown_seed,
        outputs=[panel.make, panel.files],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def _save(result: str, sketch: str, folder: Path) -> list[Path]:
    with Image.open(result) as picture, Image.open(sketch) as line_art:
        layers = separate(picture.convert("RGB"), line_art.convert("L"))
    stem = Path(result).stem
    paths = [folder / f"{stem}.ora", folder / f"{stem}-colours.png", folder / f"{stem}-lines.png"]
    save_openraster(layers, paths[0])
    layers.colours.save(paths[1])
    layers.lines.save(paths[2])
    return paths
