"""A second and a third reference, how much each counts, and which parts of each."""

from dataclasses import dataclass

import gradio as gr

from colorizer.manipulation import RegionMask
from colorizer.settings import LARGEST_WEIGHT, MOST_REFERENCES
from ui.edit_form import Painted
from ui.fold import fold
from ui.picture_upload import PictureUpload, picture_upload
from ui.region_canvas import region_canvas
from ui.texts import text


@dataclass(frozen=True)
class PaintedReference:
    """What is painted on a reference. path: of the picture; None while there is none, when settings may come first."""

    painted: Painted = Painted()
    path: str | None = None

    def mask_of(self, path: str) -> RegionMask | None:
        """What is painted on the picture `path`. Raises UserError for what no browser of ours would send."""
        return self.painted.mask if self.path in (None, path) else None


@dataclass(frozen=True)
class GivenReferences:
    """The references that are there, one entry each.

    weights, regions: as in `GenerationSettings`; () where they say nothing.
    """

    paths: list[str]
    weights: tuple[float, ...] = ()
    regions: tuple[RegionMask | None, ...] = ()


@dataclass(frozen=True)
class MoreReferences:
    """pictures: the uploads after the first reference; the others are of all references, the first one's first.

    painted: a `PaintedReference` each, of the parts that count; canvases: where it is painted.
    """

    pictures: tuple[PictureUpload, ...]
    weights: tuple[gr.Slider, ...]
    painted: tuple[gr.State, ...]
    canvases: tuple[gr.HTML, ...]

    @property
    def inputs(self) -> set:
        """What a run reads."""
        return {*self.pictures, *self.weights, *self.painted}

    def given(self, values: dict, first: str | None) -> GivenReferences:
        """values: component -> its value; first: path of the first reference. Raises UserError."""
        paths = [first, *(values[picture] for picture in self.pictures)]
        rows = [
            (path, values[weight], values[painted].mask_of(path))
            for path, weight, painted in zip(paths, self.weights, self.painted, strict=True)
            if path is not None
        ]
        if not rows:
            return GivenReferences([])
        given, weights, regions = zip(*rows, strict=True)
        return GivenReferences(
            list(given),
            weights if len(rows) > 1 else (),  # a weight is one next to others
            regions if any(region is not None for region in regions) else (),
        )


def build_more_references() -> MoreReferences:
    pictures, weights = [], []
    with fold(text("more_references"), "more-references"):
        gr.HTML(f'<p class="hint">{text("more_references_hint")}</p>', padding=False)
        with gr.Row(elem_classes="pair", equal_height=True):
            for number in range(2, MOST_REFERENCES + 1):
                pictures.append(
                    picture_upload(
                        text("reference_number", number=number),
                        placeholder=text("reference_placeholder"),
                        elem_id=f"reference-{number}",
                        height=170,
                        min_width=100,
                    )
                )
        for number in range(1, MOST_REFERENCES + 1):
            weights.append(
                gr.Slider(
                    0,
                    LARGEST_WEIGHT,
                    1,
                    step=0.1,
                    label=text("reference_weight", number=number),
                    info=text("reference_weight_info"),
                    elem_id=f"reference-weight-{number}",
                )
            )
        painted, canvases = _regions()
    return MoreReferences(tuple(pictures), tuple(weights), painted, canvases)


def _regions() -> tuple[tuple[gr.State, ...], tuple[gr.HTML, ...]]:
    painted, canvases = [], []
    names = ("tools", "look", "look_tip", "add", "add_tip", "remove", "remove_tip")
    texts = {name: text(f"reference_{name}") for name in names}
    with fold(text("reference_regions"), "reference-regions"):
        gr.HTML(f'<p class="hint">{text("reference_regions_hint")}</p>', padding=False)
        for number in range(1, MOST_REFERENCES + 1):
            with gr.Column(elem_classes="reference-region", min_width=0):
                name = text("reference_number", number=number)
                gr.HTML(f"<h3>{name}</h3>", padding=False)
                painted.append(gr.State(PaintedReference()))
                canvases.append(
                    region_canvas(
                        f"reference-region-{number}",
                        elem_classes="region-plain",
                        **texts,
                        reference=name,
                        canvas=text("reference_canvas", number=number),
                        hint="",
                    )
                )
    return tuple(painted), tuple(canvases)
