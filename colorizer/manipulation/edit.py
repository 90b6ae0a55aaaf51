"""One edit: what an artist asks for in words, and how it is written down."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from colorizer.errors import UserError
from colorizer.manipulation.pwv import MODES
from colorizer.manipulation.regions import RegionMask
from colorizer.manipulation.thresholds import DEFAULT_THRESHOLDS, check_thresholds

EVERYTHING = "everything"
LONGEST_TEXT = 1000  # characters; edits also arrive in uploaded files
LARGEST_SCALE = 1000.0
LARGEST_RATIO = 100.0
MOST_EDITS = 32
LARGEST_FILE = 256 * 1024

# key of the written form -> field
PARSE_KEYS = {
    "target": "target",
    "anchor": "anchor",
    "control": "control",
    "scale": "target_scale",
    "enhance": "enhance",
    "ts": "thresholds",
    "r": "strength_ratio",
    "mask": "region_mask",
    "mode": "mode",
    "enabled": "enabled",
}
YES_NO = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


@dataclass(frozen=True)
class Edit:
    """Move the reference toward `target`, away from `anchor`, in the region that `control` names.

    target, anchor, control: texts; anchor None for no anchor; control "everything" for all tokens.
    target_scale: the degree, the projection on the target that is aimed at. enhance: a stronger change.
    thresholds: ts0..ts3 of equation (10). strength_ratio: its r. region_mask: regions painted by hand.
    mode: how the weights follow from them, one of `pwv.MODES`.
    enabled: False keeps the edit in the list without effect.
    The last five and `control` do not matter to CLS models. Raises UserError for values out of range.
    """

    target: str
    anchor: str | None = None
    control: str = EVERYTHING
    target_scale: float = 8.0
    enhance: bool = False
    thresholds: tuple[float, ...] = DEFAULT_THRESHOLDS
    strength_ratio: float = 2.0
    region_mask: RegionMask | None = None
    mode: str = "paper"
    enabled: bool = True

    def __post_init__(self):
        for name in ("target", "anchor", "control"):
            if name != "anchor" or self.anchor is not None:
                object.__setattr__(self, name, _text(name, getattr(self, name)))
        if self.control.lower() == EVERYTHING:
            object.__setattr__(self, "control", EVERYTHING)
        object.__setattr__(self, "target_scale", _number("scale", self.target_scale, -LARGEST_SCALE, LARGEST_SCALE))
        object.__setattr__(self, "strength_ratio", _number("strength ratio r", self.strength_ratio, 0.0, LARGEST_RATIO))
        object.__setattr__(self, "thresholds", check_thresholds(self.thresholds))
        for name in ("enhance", "enabled"):
            if not isinstance(getattr(self, name), bool):
                raise UserError(f"{name} must be yes or no, not {getattr(self, name)!r}.")
        if self.mode not in MODES:
            raise UserError(f"The mode must be {' or '.join(MODES)}, not {self.mode!r:.60}.")
        if self.region_mask is not None and not isinstance(self.region_mask, RegionMask):
            raise UserError('The region mask must be written like "+../.-.", rows joined by "/".')

    @property
    def is_everywhere(self) -> bool:
        """The control is "everything": no text locates the edit."""
        return self.control == EVERYTHING

    def to_dict(self) -> dict:
        """Plain JSON values; `from_dict` gives the same edit back."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["thresholds"] = list(self.thresholds)
        values["region_mask"] = None if self.region_mask is None else str(self.region_mask)
        return values

    @classmethod
    def from_dict(cls, values: dict) -> "Edit":
        """From plain JSON values. Raises UserError for unknown keys, a missing target or values out of range."""
        if not isinstance(values, dict):
            raise UserError(f"An edit must be an object with a target, not {values!r:.60}.")
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise UserError(f"An edit has no setting {', '.join(map(repr, unknown))}; it has {', '.join(names)}.")
        if "target" not in values:
            raise UserError("An edit needs a target text.")
        mask = values.get("region_mask")
        return cls(**{**values, "region_mask": None if mask is None else RegionMask.parse(mask)})

    @classmethod
    def parse(cls, text: str) -> "Edit":
        """From the written form "target=green hair; anchor=hair; control=the hair; scale=8; enhance=yes".

        Only target is needed. The other keys: ts=0.5,0.55,0.65,0.95; r=2; mask=+../.-.; mode=focused; enabled=no.
        A text that has ";" in it needs the JSON form.
        """
        values = {}
        for part in filter(str.strip, text.split(";")):
            key, equals, value = (piece.strip() for piece in part.partition("="))
            field = PARSE_KEYS.get(key.lower())
            if not equals or field is None:
                raise UserError(
                    f"Edit part {part.strip()!r} is not understood; write key=value with {', '.join(PARSE_KEYS)}."
                )
            if field in values:
                raise UserError(f"The edit gives {key!r} twice; give it once.")
            values[field] = _parse_value(field, key, value)
        return cls.from_dict(values)


def read_edits(path: str | Path) -> tuple[Edit, ...]:
    """The edits of a JSON file: a list of objects with the fields of `Edit`."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path.name} is over {LARGEST_FILE // 1024} KB; a list of edits is smaller.")
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{path.name} is not a JSON file: {error}.") from error
    if not isinstance(values, list) or len(values) > MOST_EDITS:
        raise UserError(f"{path.name} must hold a list of at most {MOST_EDITS} edits.")
    return tuple(Edit.from_dict(value) for value in values)


def _text(name: str, value) -> str:
    if not isinstance(value, str):
        raise UserError(f"The {name} must be a text, not {value!r:.60}.")
    if not value.strip():
        hint = {"anchor": "leave the anchor out or write one", "control": f"write one or {EVERYTHING!r}"}
        raise UserError(f"The {name} text is empty; {hint.get(name, 'write what you want to see')}.")
    if len(value) > LONGEST_TEXT:
        raise UserError(f"The {name} text has {len(value)} characters; at most {LONGEST_TEXT} are taken.")
    return value.strip()


def _number(name: str, value, lowest: float, highest: float) -> float:
    # bool is an int to Python, and nan fails both comparisons
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise UserError(f"The {name} must be a number from {lowest:g} to {highest:g}, not {value!r:.60}.")
    return float(value)


def _parse_value(field: str, key: str, value: str):
    if field in ("enhance", "enabled"):
        if value.lower() not in YES_NO:
            raise UserError(f"{key}={value} is not understood; write yes or no.")
        return YES_NO[value.lower()]
    try:
        if field == "thresholds":
            return tuple(float(number) for number in value.split(","))
        if field in ("target_scale", "strength_ratio"):
            return float(value)
    except ValueError:
        raise UserError(f"{key}={value} is not understood; write numbers, with commas between several.") from None
    return value
