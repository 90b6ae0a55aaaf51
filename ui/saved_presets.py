"""Presets that a visitor saved, as the browser keeps them: {name: settings}. They are checked like any input."""

from colorizer.errors import UserError
from colorizer.png import restore_settings
from colorizer.settings import GenerationSettings
from ui.texts import text

MOST = 40
LONGEST_NAME = 40
NOT_SAVED = ("seed", "batch_size", "edits")  # what belongs to a picture and not to a way of working

Saved = dict[str, dict]


def read(stored) -> Saved:
    """What of `stored` is well-formed."""
    if not isinstance(stored, dict):
        return {}
    entries = [(name, values) for name, values in stored.items() if _is_name(name) and isinstance(values, dict)]
    return dict(entries[:MOST])


def save(saved: Saved, name: str, settings: GenerationSettings) -> Saved:
    """With the settings under `name`, in the place of an older preset of that name."""
    name = clean_name(name)
    if name not in saved and len(saved) >= MOST:
        raise UserError(text("error_too_many_presets", most=MOST))
    values = {key: value for key, value in settings.to_dict().items() if key not in NOT_SAVED}
    return {**saved, name: values}


def rename(saved: Saved, old: str | None, new: str) -> Saved:
    """In its place in the list; a preset that had the new name is gone."""
    _require(saved, old)
    new = clean_name(new)
    return {new if name == old else name: values for name, values in saved.items() if name == old or name != new}


def delete(saved: Saved, name: str | None) -> Saved:
    _require(saved, name)
    return {key: values for key, values in saved.items() if key != name}


def load(saved: Saved, name: str | None, current: GenerationSettings) -> tuple[GenerationSettings, tuple[str, ...]]:
    """The preset's settings with the rest of the current ones, and the names of what cannot be restored."""
    _require(saved, name)
    settings, not_restored = restore_settings(saved[name])
    return settings.evolve(**{key: getattr(current, key) for key in NOT_SAVED}), not_restored


def _require(saved: Saved, name: str | None) -> None:
    if not isinstance(name, str) or name not in saved:
        raise UserError(text("error_no_preset"))


def clean_name(name: str | None) -> str:
    """A typed name as it is kept. Raises UserError for an empty or overlong one."""
    name = " ".join((name or "").split())
    if not _is_name(name):
        raise UserError(text("error_preset_name", longest=LONGEST_NAME))
    return name


def _is_name(name: str) -> bool:
    # JavaScript loses a key of that name
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name != "__proto__"
