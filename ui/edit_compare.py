"""A and B: what the slider on the stage compares, and the numbers of what an edit changed."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_file_to_cache
from PIL import Image

from colorizer.change_map import change_picture, colour_difference, inside_and_outside
from colorizer.config import ModelConfig
from colorizer.encoder import Encoder
from colorizer.manipulation import Edit
from colorizer.manipulation.preview import changed_region
from colorizer.thin_lines import reduce_line_art
from ui.texts import text

MODES = ("sketch", "unedited", "change")


@dataclass(frozen=True)
class Comparison:
    """Files of one finished picture in Gradio's cache; the last three only where edits were at work.

    change: map of CIEDE2000 between unedited and edited. note: HTML, what changed in numbers.
    """

    sketch: str
    result: str
    unedited: str | None = None
    change: str | None = None
    note: str = ""

    def pair(self, mode: str) -> tuple[str, str]:
        """What the slider shows at its left and right."""
        if self.unedited is None or mode == "sketch":
            return self.sketch, self.result
        return (self.unedited, self.result) if mode == "unedited" else (self.result, self.change)


@dataclass(frozen=True)
class ComparisonChoice:
    """compared: a `Comparison` for each variant of the run that is shown."""

    compared: gr.State
    mode: gr.Radio
    note: gr.HTML


def build_comparison_choice() -> ComparisonChoice:
    with gr.Row(elem_id="compare-row"):
        mode = gr.Radio(
            [(text(f"compare_{mode}"), mode) for mode in MODES],
            value="unedited",
            label=text("compare"),
            visible=False,
            elem_id="compare",
            min_width=0,
        )
        note = gr.HTML(elem_id="compare-note", padding=False, visible=False)
    return ComparisonChoice(gr.State(()), mode, note)


def save_comparisons(
    sketch: Image.Image,
    results: Sequence[Path],
    unedited: Sequence[Image.Image] | None,
    notes: Sequence[str],
    cache: str,
) -> tuple[Comparison, ...]:
    """Put all that the slider may show into Gradio's cache, the folder `cache`.

    sketch: as the model sees it. results: the finished PNG files. unedited, notes: one a result; None without edits.
    """
    with tempfile.TemporaryDirectory() as folder:

        def keep(picture: Image.Image, name: str) -> str:
            path = Path(folder) / name
            picture.save(path)
            return save_file_to_cache(path, cache)

        stem = results[0].stem
        with Image.open(results[0]) as first:
            size = first.size
        drawn = keep(reduce_line_art(sketch.convert("RGB"), size), f"{stem}-sketch.png")
        kept = [save_file_to_cache(path, cache) for path in results]
        if unedited is None:
            return tuple(Comparison(drawn, path) for path in kept)
        compared = []
        for path, before, note in zip(kept, unedited, notes, strict=True):
            name = Path(path).stem
            with Image.open(path) as after:
                difference = change_picture(colour_difference(before, after))
            compared.append(
                Comparison(
                    drawn, path, keep(before, f"{name}-unedited.png"), keep(difference, f"{name}-change.png"), note
                )
            )
        return tuple(compared)


def change_note(
    before: Image.Image, after: Image.Image, edits: Sequence[Edit], encoder: Encoder, config: ModelConfig
) -> str:
    """The mean CIEDE2000 between both pictures, inside and outside the region that the edits name in `before`, as HTML.

    The region is looked for in the picture itself: its layout is the sketch's, not the reference's.
    """
    difference = colour_difference(before, after)
    lines = [text("change_mean", mean=difference.mean())]
    if config.kind != "cls":
        tokens = encoder.encode_image(before).cpu()
        region = changed_region(
            tokens, edits, lambda texts: encoder.encode_text(texts).cpu(), config.relevance_polarity, config.parts
        )
        if region is not None:
            names = ", ".join(dict.fromkeys(edit.control for edit in edits if edit.enabled))
            inside, outside = inside_and_outside(difference, region.numpy())
            if inside is not None:
                lines.append(text("change_inside", region=names, mean=inside))
            if outside is not None:
                lines.append(text("change_outside", mean=outside))
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="change-note" title="{escape(text("change_info"))}">{items}</ul>'


def connect_comparison(
    stage: gr.ImageSlider, shown_seed: gr.State, run_seeds: gr.State, choice: ComparisonChoice
) -> None:
    """The slider follows the choice."""

    def compare(mode, compared, seeds, seed):
        if not compared:
            return gr.skip(), gr.skip()
        chosen = compared[seeds.index(seed)] if seed in seeds else compared[0]
        return chosen.pair(mode), chosen.note

    choice.mode.input(
        compare,
        inputs=[choice.mode, choice.compared, run_seeds, shown_seed],
        outputs=[stage, choice.note],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
