"""A second and a third reference, and how much each counts."""

from dataclasses import dataclass

import gradio as gr

from colorizer.settings import LARGEST_WEIGHT, MOST_REFERENCES
from ui.fold import fold
from ui.picture_upload import PictureUpload, picture_upload
from ui.texts import text


@dataclass(frozen=True)
class MoreReferences:
    """pictures: the uploads after the first reference; weights: of all references, the first one's first."""

    pictures: tuple[PictureUpload, ...]
    weights: tuple[gr.Slider, ...]

    @property
    def inputs(self) -> set:
        """What a run reads."""
        return {*self.pictures, *self.weights}

    def given(self, values: dict, first: str | None) -> tuple[list[str], tuple[float, ...]]:
        """Paths of the references that are there, and their weights. values: component -> its value."""
        paths = [first, *(values[picture] for picture in self.pictures)]
        pairs = [(path, values[weight]) for path, weight in zip(paths, self.weights, strict=True) if path is not None]
        if len(pairs) < 2:  # a weight is one next to others
            return [path for path, _ in pairs], ()
        return [path for path, _ in pairs], tuple(weight for _, weight in pairs)


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
    return MoreReferences(tuple(pictures), tuple(weights))
