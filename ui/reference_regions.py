"""Which parts of each reference count: painted on the Colorize page, as regions are in the panel "Edit by words"."""

import dataclasses
import logging

import gradio as gr

from colorizer.errors import UserError
from colorizer.settings import GenerationSettings
from ui import edit_view
from ui.colorize_layout import ColorizePage
from ui.edit_form import Painted
from ui.model_shelf import ModelShelf
from ui.more_references import PaintedReference
from ui.texts import text

log = logging.getLogger(__name__)

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)

# As all looks at a reference, it needs the encoder only and waits for nobody's run.
AT_ONCE = {
    "concurrency_id": "relevance",
    "concurrency_limit": 4,
    "show_progress": "hidden",
    "api_visibility": "private",
}


class ReferenceRegions:
    """Handlers of the painting. Holds components and models, nothing of a visitor."""

    def __init__(self, page: ColorizePage, shelf: ModelShelf):
        self.page, self.more, self.shelf = page, page.more_references, shelf
        self.pictures = (page.reference, *self.more.pictures)
        self.inputs = {page.model, page.edit.session, *self.pictures, *self.more.painted}
        self.outputs = [*self.more.painted, *self.more.canvases]

    def shown(self, values: Values, index: int, painted: Painted) -> Updates:
        """Reference `index` as its canvas shows it with `painted`, which is kept."""
        kept = PaintedReference(painted, values[self.pictures[index]])
        return {self.more.painted[index]: kept, self.more.canvases[index]: self._canvas(values, index, painted)}

    def changed(self, values: Values, index: int) -> Updates:
        """Another picture. What was painted on the old one means nothing; what came before the picture stays: from
        settings, or from a former visit."""
        before, path = values[self.more.painted[index]], values[self.pictures[index]]
        stays = path is not None and before.path in (None, path) and self._fits(values, before.painted)
        return self.shown(values, index, before.painted if stays else _nothing(before.painted))

    def fitted(self, values: Values) -> Updates:
        """Another model has another grid: what does not fit on it is taken away."""
        updates: Updates = {}
        for index, state in enumerate(self.more.painted):
            painted = values[state].painted
            updates |= self.shown(values, index, painted if self._fits(values, painted) else _nothing(painted))
        return updates

    def painted(self, values: Values, index: int, event: gr.EventData) -> Updates:
        """After a stroke."""
        stroke = event.stroke if isinstance(event.stroke, int) else 0
        return self.shown(values, index, Painted(str(event.cells), False, stroke))

    def restore(self, values: Values, settings: GenerationSettings) -> tuple[Updates, list[str]]:
        """Weights and regions of a picture's settings, and notes on what cannot be as it was. The pictures themselves
        are in no file."""
        weights, regions = settings.reference_weights, settings.reference_regions
        updates: Updates = dict(zip(self.more.weights, settings.weights(len(self.more.weights)), strict=True))
        notes = []
        count = max(len(weights), len(regions))
        here = sum(values[picture] is not None for picture in self.pictures)
        if count and count != here:
            notes.append(text("load_references", count=count, here=here))
        side = self._side(values) if any(regions) else 0
        for index, (state, region) in enumerate(
            zip(self.more.painted, settings.regions(len(self.pictures)), strict=True)
        ):
            if region is not None and not (len(region.rows) == len(region.rows[0]) == side):
                notes.append(text("load_region", number=index + 1))
                region = None
            before = values[state].painted
            wanted = _nothing(before) if region is None else dataclasses.replace(before, cells=str(region))
            if wanted != before:
                updates |= self.shown(values, index, wanted)
        return updates, notes

    def _canvas(self, values: Values, index: int, painted: Painted) -> dict:
        path = values[self.pictures[index]]
        if path is None:
            return edit_view.canvas(None, painted, "", 0)
        try:
            address = values[self.page.edit.session].address(path)
            side = self._side(values)
            message = text("reference_regions_cls") if not side and values[self.page.model] else ""
            return edit_view.canvas(address, painted, message, side)
        except UserError as error:
            return edit_view.canvas(None, painted, str(error), 0)
        except Exception:
            log.exception("a look at a reference failed")
            return edit_view.canvas(None, painted, text("error_look"), 0)

    def _fits(self, values: Values, painted: Painted) -> bool:
        return not painted.cells or painted.cells.count("/") + 1 == self._side(values)

    def _side(self, values: Values) -> int:
        """Rows, and columns, of the model's token grid; 0 for a model that has none, or no model."""
        model = values[self.page.model]
        config = None if model is None else self.shelf.describe(model).config
        if model is None or (config is not None and config.kind == "cls"):
            return 0
        return self.shelf.encoder(model).clip.grid


def _nothing(painted: Painted) -> Painted:
    return Painted(stroke=painted.stroke)


def kept_painting(path: str, cells) -> PaintedReference:
    """What a browser kept of a picture: the cells as they are, or nothing where they are none of ours."""
    try:
        painted = Painted(cells if isinstance(cells, str) else "")
        return PaintedReference(painted if painted.mask else Painted(), path)
    except UserError:
        return PaintedReference(path=path)


def connect_reference_regions(page: ColorizePage, shelf: ModelShelf) -> ReferenceRegions:
    """Attach all events. Call inside the `gr.Blocks` of the page."""
    regions = ReferenceRegions(page, shelf)
    seen = {"inputs": regions.inputs, **AT_ONCE}
    for index, (picture, canvas) in enumerate(zip(regions.pictures, regions.more.canvases, strict=True)):

        def changed(values, index=index):
            return regions.changed(values, index)

        def painted(values, event: gr.EventData, index=index):
            return regions.painted(values, index, event)

        own = [regions.more.painted[index], canvas]
        picture.change(changed, outputs=own, **seen, trigger_mode="always_last")
        canvas.input(painted, outputs=own, **seen, trigger_mode="multiple")
    page.model.change(regions.fitted, outputs=regions.outputs, **seen, trigger_mode="always_last")
    return regions
