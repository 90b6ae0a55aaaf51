"""The panel's look at an edit: regions, histogram and notes, from the form and without generating."""

import logging

import gradio as gr

from colorizer.config import ModelConfig
from colorizer.errors import UserError
from colorizer.manipulation import auto_thresholds
from colorizer.manipulation.preview import Source
from ui import edit_view
from ui.colorize_layout import ColorizePage
from ui.edit_form import TEXTS, EditForm
from ui.model_shelf import ModelShelf
from ui.texts import text
from ui.texts.messages import in_visitors_language
from ui.toasts import warn

log = logging.getLogger(__name__)

Values = dict  # component -> its value
Updates = dict  # component -> its new value or gr.update(...)


class EditLook:
    """Handlers of everything that changes what the panel shows. Holds components and models, nothing of a visitor."""

    def __init__(self, page: ColorizePage, shelf: ModelShelf):
        self.page, self.panel, self.shelf = page, page.edit, shelf
        panel = self.panel
        self.form_fields = {
            "target": panel.target,
            "anchor": panel.anchor,
            "control": panel.control,
            "everywhere": panel.everywhere,
            "target_scale": panel.target_scale,
            "enhance": panel.enhance,
            "strength_ratio": panel.strength_ratio,
            "mode": panel.mode,
            "painted": panel.painted,
        }
        self.inputs = {
            page.reference, page.model, panel.session, panel.edits, panel.chosen, panel.refused, *panel.thresholds,
            *self.form_fields.values(),
        }  # fmt: skip
        self.outputs = [
            panel.canvas, panel.target_note, panel.anchor_note, panel.control_note, *panel.thresholds,
            panel.painted,
        ]  # fmt: skip

    def form(self, values: Values) -> EditForm:
        """What is filled in."""
        chosen = {name: values[component] for name, component in self.form_fields.items()}
        for name in TEXTS:
            chosen[name] = chosen[name] or ""
        config = self.config(values[self.page.model])
        if config is not None and config.kind == "cls" and not chosen["control"].strip():
            chosen["everywhere"] = True  # a CLS model is not asked where
        return EditForm(**chosen, thresholds=tuple(float(values[slider]) for slider in self.panel.thresholds))

    def fill(self, form: EditForm) -> Updates:
        """The components as `form` has them."""
        updates = {component: getattr(form, name) for name, component in self.form_fields.items()}
        return {**updates, **dict(zip(self.panel.thresholds, form.thresholds, strict=True))}

    def look(self, values: Values) -> Updates:
        """Regions and notes of the form as it stands."""
        return self._look(values, self.form(values))

    def take_anchor(self, values: Values) -> Updates:
        """The anchor that the reference shows where the form says."""
        anchor = self.anchor(values, self.form(values))
        if anchor is None:
            warn(text("anchor_needs_colour"), 8)
            return gr.skip()
        filled = {self.panel.anchor: anchor}
        return {**self.look(values | filled), **filled}

    def anchor(self, values: Values, form: EditForm) -> str | None:
        """None where there is nothing to say, or no reference."""
        try:
            source = self._source(values)
            if source is None or form.is_blank or not form.region:
                return None
            return values[self.panel.session].preview.anchor(source, self._before(values), form.edit())
        except UserError:  # the canvas says it
            return None

    def histogram(self, values: Values) -> str:
        """The histogram to the regions that are shown; drawn after them, because it takes longer."""
        form = self.form(values)
        try:
            source = self._source(values)
            if source is None or not form.region or form.everywhere or source.config.kind == "cls":
                return ""
            edit = form.draft()
            reach = values[self.panel.session].preview.look(source, self._before(values), edit, not form.is_blank)
        except UserError:  # the canvas says it
            return ""
        return edit_view.histogram(reach, edit) if reach.defined else ""

    def auto(self, values: Values) -> Updates:
        """Thresholds proposed from the relevance."""
        form = self.form(values)
        try:
            source = self._source(values)
            if source is None or not form.region or form.everywhere:
                raise UserError(text("auto_needs_region"))
            reach = values[self.panel.session].preview.look(source, self._before(values), form.draft())
        except UserError as error:
            warn(in_visitors_language(str(error)), 8)
            return gr.skip()
        return self.with_thresholds(values, auto_thresholds(reach.m))

    def with_thresholds(self, values: Values, thresholds: tuple[float, ...]) -> Updates:
        """The look with other thresholds, which the sliders show too."""
        sliders = dict(zip(self.panel.thresholds, thresholds, strict=True))
        return {**self._look(values | sliders, self.form(values | sliders)), **sliders}

    def painted(self, values: Values, painted) -> Updates:
        """The look after a stroke."""
        values = values | {self.panel.painted: painted}
        return {**self._look(values, self.form(values)), self.panel.painted: painted}

    def _look(self, values: Values, form: EditForm) -> Updates:
        panel = self.panel
        try:
            source = self._source(values)
            notes = {} if source is None else self._notes(values, source, form)
            drawn = self._regions(values, source, form)
        except UserError as error:
            notes = {}
            drawn = edit_view.canvas(None, form.painted, str(error), 0)
        except Exception:
            log.exception("a look at an edit failed")
            notes = {}
            drawn = edit_view.canvas(None, form.painted, text("error_look"), 0)
        errors = form.errors() if values[panel.refused] else {}
        return {
            panel.canvas: drawn,
            **{
                getattr(panel, f"{name}_note"): edit_view.field_note(errors.get(name), notes.get(name, ()))
                for name in TEXTS
            },
        }

    def _regions(self, values: Values, source: Source | None, form: EditForm) -> dict:
        """What the canvas shows."""
        if source is None:
            return edit_view.canvas(None, form.painted, text("regions_no_reference"), 0)
        session = values[self.panel.session]
        address = session.address(source.picture_key)
        if not form.region:
            grid = session.preview.side(source)
            return edit_view.canvas(address, form.painted, text("regions_no_control"), grid)
        if source.config.kind == "cls":
            return edit_view.canvas(address, form.painted, "", 0)
        edit = form.draft()
        reach = session.preview.look(source, self._before(values), edit, not form.is_blank)
        return edit_view.canvas_with(reach, edit, address, form.painted)

    def _notes(self, values: Values, source: Source, form: EditForm) -> dict[str, tuple[str, ...]]:
        """Field -> what is worth knowing about its text."""
        preview = values[self.panel.session].preview
        texts = {"target": form.target.strip(), "anchor": form.anchor.strip()}
        if not form.everywhere and source.config.kind != "cls":
            texts["control"] = form.control.strip()
        return {name: preview.notes(source, words) for name, words in texts.items() if words}

    def _before(self, values: Values) -> tuple:
        """The edits that come before the one in the form."""
        return values[self.panel.edits].edits[: values[self.panel.chosen]]

    def _source(self, values: Values) -> Source | None:
        """None without a reference. Raises UserError without a model."""
        reference, model = values[self.page.reference], values[self.page.model]
        return None if reference is None else values[self.panel.session].source(self.shelf, model, reference)

    def config(self, model: str | None) -> ModelConfig | None:
        """None without a model."""
        return None if model is None else self.shelf.describe(model).config or ModelConfig()
