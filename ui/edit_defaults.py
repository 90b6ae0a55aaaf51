"""What an edit begins with under a model."""

from colorizer.manipulation import Edit
from ui.model_shelf import ModelDescription

# minimum, maximum, default; a checkpoint may bring its own
TARGET_SCALE = (0.0, 30.0, Edit.target_scale)


def target_scale_range(description: ModelDescription) -> tuple[float, float, float]:
    """Minimum, maximum and default for this model."""
    return tuple(description.slider_ranges.get("target_scale", TARGET_SCALE))


def weights_mode(description: ModelDescription) -> str:
    """The usual mode of weights for this model: focused where its tokens were trained to tell parts apart."""
    parts = description.config.parts.words if description.config else ()
    return "focused" if len(parts) > 1 else Edit.mode
