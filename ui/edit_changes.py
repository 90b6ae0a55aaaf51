"""What is done to the list of edits: add, save, choose, order, switch, remove, undo."""

import dataclasses

import gradio as gr

from colorizer.errors import UserError
from colorizer.manipulation import Edit
from ui import edit_view
from ui.colorize_layout import ColorizePage
from ui.edit_defaults import target_scale_range, weights_mode
from ui.edit_form import EditForm, Painted
from ui.edit_list import EditList
from ui.edit_look import EditLook, Updates, Values
from ui.model_shelf import ModelShelf
from ui.texts import text
from ui.texts.messages import in_visitors_language
from ui.toasts import inform, warn

# Words that most models know; a model's own vocabulary is English whatever the page's language.
IDEAS = (
    EditForm(target="green hair", control="the hair"),
    EditForm(target="blue clothes", control="the clothes"),
    EditForm(target="pink background", control="the background"),
)


class EditChanges:
    """Handlers that change the list or the form. Holds components and models, nothing of a visitor."""

    def __init__(self, page: ColorizePage, shelf: ModelShelf, look: EditLook):
        self.page, self.panel, self.shelf, self.look = page, page.edit, shelf, look
        panel = self.panel
        self.inputs = look.inputs | {page.shown_seed, page.seed_lock, page.settings["seed"]}
        self.outputs = [
            *look.outputs, *(field for field in look.form_fields.values() if field is not panel.painted),
            panel.edits, panel.chosen, panel.refused, panel.rows, panel.undo, panel.redo, panel.save, page.seed_lock,
            page.settings["seed"],
        ]  # fmt: skip

    def is_pending(self, values: Values) -> bool:
        """The form asks for something that is not in the list yet."""
        form, chosen = self.look.form(values), values[self.panel.chosen]
        if form.is_blank and chosen is None:
            return False
        try:
            return chosen is None or self._saved(values, form) != values[self.panel.edits].edits[chosen]
        except UserError:
            return True

    def save(self, values: Values) -> Updates:
        """The form into the list. What is wrong is said under its field, and then nothing changes."""
        form = self.look.form(values)
        if errors := form.errors():
            if "" in errors:
                warn(in_visitors_language(errors[""]))
            return {**self.look.look(values | {self.panel.refused: True}), self.panel.refused: True}
        edits, chosen = values[self.panel.edits], values[self.panel.chosen]
        try:
            edits = edits.put(self._saved(values, form), chosen)
        except UserError as error:
            warn(in_visitors_language(str(error)))
            return gr.skip()
        chosen = len(edits.edits) - 1 if chosen is None else chosen
        return {**self._arranged(values, edits, chosen, form), **self._kept_seed(values)}

    def settle(self, values: Values) -> Updates:
        """Before a run: what the form asks for goes into the list."""
        return self.save(values) if self.is_pending(values) else gr.skip()

    def act(self, values: Values, event: gr.EventData) -> Updates:
        """A button or switch in a row of the list. A complete form goes into the list before."""
        is_complete = self.is_pending(values) and not self.look.form(values).errors()
        saved = self._saved_updates(values) if is_complete else {}
        values = values | {part: saved[part] for part in (self.panel.edits, self.panel.chosen) if part in saved}
        return {**saved, **self._acted(values, event.action, event.index)} or gr.skip()

    def _acted(self, values: Values, action: str, index: int) -> Updates:
        edits, chosen = values[self.panel.edits], values[self.panel.chosen]
        form = self.look.form(values)
        if not isinstance(index, int) or not 0 <= index < len(edits.edits):
            return {}
        if action == "choose":
            return self._arranged(values, edits, index, self._form_of(values, edits, index))
        if action == "switch":
            return self._arranged(values, edits.switched(index), chosen, form)
        if action in ("up", "down"):
            target = index + (1 if action == "down" else -1)
            moved = edits.moved(index, target - index)
            if moved is not edits and chosen in (index, target):
                chosen = target if chosen == index else index
            return self._arranged(values, moved, chosen, form)
        if action == "remove":
            if chosen == index:
                chosen, form = None, self._blank(values)
            elif chosen is not None and chosen > index:
                chosen -= 1
            return self._arranged(values, edits.removed(index), chosen, form)
        return {}

    def undo(self, values: Values) -> Updates:
        return self._stepped(values, values[self.panel.edits].undone())

    def redo(self, values: Values) -> Updates:
        return self._stepped(values, values[self.panel.edits].redone())

    def new(self, values: Values) -> Updates:
        """An empty form; what it held goes into the list if it is complete."""
        saved = self._saved_updates(values) if self.is_pending(values) else {}
        edits = saved.get(self.panel.edits, values[self.panel.edits])
        return {**saved, **self._arranged(values, edits, None, self._blank(values))}

    def restored(self, values: Values, edits: tuple[Edit, ...]) -> Updates:
        """Another list in the place of the present one, and an empty form. Undo brings the present one back."""
        return self._arranged(values, values[self.panel.edits].replaced(edits), None, self._blank(values))

    def idea(self, values: Values, index: int) -> Updates:
        """The form filled in with an example, its anchor with what the reference shows there."""
        idea, blank = IDEAS[index], self._blank(values)
        form = dataclasses.replace(blank, target=idea.target, control=idea.control, painted=values[self.panel.painted])
        form = dataclasses.replace(form, anchor=self.look.anchor(values | {self.panel.chosen: None}, form) or "")
        return self._arranged(values, values[self.panel.edits], None, form)

    def _saved_updates(self, values: Values) -> Updates:
        """Those of `save`, none where it changed nothing."""
        updates = self.save(values)
        return updates if self.panel.edits in updates else {}

    def _stepped(self, values: Values, edits: EditList) -> Updates:
        # A form that is not in the list stays; one that stands for an edit of the list may have lost it.
        form = self.look.form(values) if values[self.panel.chosen] is None else self._blank(values)
        return self._arranged(values, edits, None, form)

    def _arranged(self, values: Values, edits: EditList, chosen: int | None, form: EditForm) -> Updates:
        """Everything that shows the list and the form."""
        panel = self.panel
        filled = {**self.look.fill(form), panel.edits: edits, panel.chosen: chosen, panel.refused: False}
        return {
            **self.look.look(values | filled),
            **filled,
            panel.rows: edit_view.list_rows(edits.edits, chosen),
            panel.undo: gr.update(interactive=bool(edits.past)),
            panel.redo: gr.update(interactive=bool(edits.future)),
            panel.save: text("edit_add" if chosen is None else "edit_save"),
        }

    def _kept_seed(self, values: Values) -> Updates:
        """From the first edit on the seed stays, or the edited picture could not be compared with the unedited one."""
        if values[self.page.seed_lock]:
            return {}
        inform(text("seed_is_kept"), 6)
        shown = values[self.page.shown_seed]
        seed = values[self.page.settings["seed"]] if shown is None else shown
        return {self.page.seed_lock: True, self.page.settings["seed"]: seed}

    def _saved(self, values: Values, form: EditForm):
        edit, chosen = form.edit(), values[self.panel.chosen]
        if chosen is None:
            return edit
        return dataclasses.replace(edit, enabled=values[self.panel.edits].edits[chosen].enabled)

    def _form_of(self, values: Values, edits: EditList, index: int) -> EditForm:
        return EditForm.of(edits.edits[index], values[self.panel.painted].stroke)

    def _blank(self, values: Values) -> EditForm:
        model = values[self.page.model]
        stroke = values[self.panel.painted].stroke
        blank = EditForm(painted=Painted(stroke=stroke))
        if model is None:
            return blank
        description = self.shelf.describe(model)
        scale = target_scale_range(description)[2]
        return dataclasses.replace(blank, target_scale=scale, mode=weights_mode(description))
