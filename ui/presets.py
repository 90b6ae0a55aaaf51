"""Named starting points for the three guidance settings."""

from colorizer.settings import GenerationSettings
from ui.texts import text

BALANCED = "balanced"

# GS pulls towards the reference, SGS towards the lines; noise on the reference's tokens (eq. 14) loosens its
# layout and keeps its colours.
PRESETS = {
    BALANCED: {"guidance_scale": 2.0, "sketch_guidance_scale": 1.0, "noise_level": 0.0},
    "sketch": {"guidance_scale": 1.5, "sketch_guidance_scale": 2.0, "noise_level": 0.2},
    "reference": {"guidance_scale": 4.0, "sketch_guidance_scale": 1.0, "noise_level": 0.0},
    "different": {"guidance_scale": 2.5, "sketch_guidance_scale": 1.0, "noise_level": 0.6},
}
GUIDED = tuple(PRESETS[BALANCED])


def choices() -> list[tuple[str, str]]:
    """(label, key) of every preset, in the order shown."""
    return [(text(f"preset_{key}"), key) for key in PRESETS]


def values_within(preset: str, ranges: dict) -> dict[str, float]:
    """The preset's settings, brought into a model's `ranges` (setting -> minimum, maximum, default).

    Balanced is the model's own defaults where it has some.
    """
    values = dict(PRESETS[preset])
    for name in values.keys() & ranges.keys():
        minimum, maximum, default = ranges[name]
        values[name] = default if preset == BALANCED else min(max(values[name], minimum), maximum)
    return values


def matching(settings: GenerationSettings, ranges: dict) -> str | None:
    """The preset that `settings` are, in a model of these `ranges`; None where they are none."""
    given = {name: getattr(settings, name) for name in GUIDED}
    return next((preset for preset in PRESETS if values_within(preset, ranges) == given), None)
