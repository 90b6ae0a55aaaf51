"""The form of one edit: its values as an `Edit`, and what is wrong with which field."""

from dataclasses import dataclass

from colorizer.errors import UserError
from colorizer.manipulation import EVERYTHING, Edit, RegionMask

TEXTS = ("target", "anchor", "control")
ANY = "any"  # stands for a text while another field is checked


@dataclass(frozen=True)
class Painted:
    """What is painted on the reference.

    cells: signs as in `RegionMask`, "" when nothing is painted. only: all that is not painted is left out. stroke: the
    number of the browser's last stroke in it, which tells the browser whether an answer knows its latest one.
    """

    cells: str = ""
    only: bool = False
    stroke: int = 0

    @property
    def mask(self) -> RegionMask | None:
        """None when the text alone decides. Raises UserError for what no browser of ours would send."""
        if not self.cells.replace("/", "").strip("."):
            return None
        mask = RegionMask.parse(self.cells)
        if not self.only:
            return mask
        return RegionMask.painted([[sign == "+" for sign in row] for row in mask.rows], "replace")

    @classmethod
    def of(cls, mask: RegionMask | None, stroke: int = 0) -> "Painted":
        """As it was painted, so that it can be painted on."""
        if mask is None:
            return cls(stroke=stroke)
        if mask.decides_all and "+" in str(mask):
            return cls(str(mask).replace("-", "."), True, stroke)
        return cls(str(mask), False, stroke)


@dataclass(frozen=True)
class EditForm:
    """Values as the components give them. everywhere: the control text does not count."""

    target: str = ""
    anchor: str = ""
    control: str = ""
    everywhere: bool = False
    target_scale: float = Edit.target_scale
    enhance: bool = Edit.enhance
    strength_ratio: float = Edit.strength_ratio
    mode: str = Edit.mode
    thresholds: tuple[float, ...] = Edit.thresholds
    painted: Painted = Painted()

    @property
    def is_blank(self) -> bool:
        """Nothing is asked for: no edit is lost by leaving it."""
        return not self.target.strip()

    @property
    def region(self) -> str:
        """What tells where: the control text, "everything", or "" when the visitor has not said yet."""
        return EVERYTHING if self.everywhere else self.control.strip()

    def edit(self) -> Edit:
        """Raises UserError when something is wrong; `errors` says where."""
        return self._edit(self.target, self.region)

    def draft(self) -> Edit:
        """As far as it is filled in, for a look at its region. Raises UserError without a region."""
        return self._edit(self.target if self.target.strip() else ANY, self.region)

    def errors(self) -> dict[str, str]:
        """Field -> what is wrong with it. Other errors are under ""."""
        found = {}
        for name in TEXTS:
            given = {"target": ANY, name: self.region if name == "control" else getattr(self, name)}
            if name == "anchor" and not self.anchor.strip():
                continue
            try:
                Edit(**given)
            except UserError as error:
                found[name] = str(error)
        if not found:
            try:
                self.edit()
            except UserError as error:
                found[""] = str(error)
        return found

    @classmethod
    def of(cls, edit: Edit, stroke: int = 0) -> "EditForm":
        """The form that gives `edit` back."""
        return cls(
            target=edit.target,
            anchor=edit.anchor or "",
            control="" if edit.is_everywhere else edit.control,
            everywhere=edit.is_everywhere,
            target_scale=edit.target_scale,
            enhance=edit.enhance,
            strength_ratio=edit.strength_ratio,
            mode=edit.mode,
            thresholds=edit.thresholds,
            painted=Painted.of(edit.region_mask, stroke),
        )

    def _edit(self, target: str, control: str) -> Edit:
        return Edit(
            target=target,
            anchor=self.anchor if self.anchor.strip() else None,
            control=control,
            target_scale=self.target_scale,
            enhance=self.enhance,
            thresholds=self.thresholds,
            strength_ratio=self.strength_ratio,
            region_mask=self.painted.mask,
            mode=self.mode,
        )
