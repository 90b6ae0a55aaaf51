"""The list of edits of one visitor: order, undo and redo. Immutable, so that every step back is whole."""

import dataclasses
from dataclasses import dataclass

from colorizer.errors import UserError
from colorizer.manipulation import Edit
from colorizer.manipulation.edit import MOST_EDITS
from ui.texts import text

MOST_STEPS_BACK = 50


@dataclass(frozen=True)
class EditList:
    """edits: in the order they are applied. past, future: earlier lists, the latest last, and undone ones."""

    edits: tuple[Edit, ...] = ()
    past: tuple[tuple[Edit, ...], ...] = ()
    future: tuple[tuple[Edit, ...], ...] = ()

    def put(self, edit: Edit, index: int | None = None) -> "EditList":
        """With `edit` in the place of the one at `index`, or at the end. Raises UserError when the list is full."""
        if index is None:
            if len(self.edits) >= MOST_EDITS:
                raise UserError(text("error_many_edits", most=MOST_EDITS))
            return self._changed((*self.edits, edit))
        return self._changed((*self.edits[:index], edit, *self.edits[index + 1 :]))

    def removed(self, index: int) -> "EditList":
        return self._changed(self.edits[:index] + self.edits[index + 1 :])

    def moved(self, index: int, by: int) -> "EditList":
        """With the edit at `index` one place up (by -1) or down (+1), as far as there is room."""
        target = index + by
        if not 0 <= target < len(self.edits):
            return self
        edits = list(self.edits)
        edits[index], edits[target] = edits[target], edits[index]
        return self._changed(tuple(edits))

    def switched(self, index: int) -> "EditList":
        """With the edit at `index` off if it was on, and on if it was off."""
        edit = self.edits[index]
        return self.put(dataclasses.replace(edit, enabled=not edit.enabled), index)

    def replaced(self, edits: tuple[Edit, ...]) -> "EditList":
        return self._changed(edits)

    def undone(self) -> "EditList":
        if not self.past:
            return self
        return EditList(self.past[-1], self.past[:-1], (*self.future, self.edits))

    def redone(self) -> "EditList":
        if not self.future:
            return self
        return EditList(self.future[-1], (*self.past, self.edits), self.future[:-1])

    def _changed(self, edits: tuple[Edit, ...]) -> "EditList":
        if edits == self.edits:
            return self
        return EditList(edits, (*self.past, self.edits)[-MOST_STEPS_BACK:])
