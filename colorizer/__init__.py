"""Reference-based sketch colorization with a latent diffusion model (ColorizeDiffusion, arXiv 2401.01456)."""

import importlib

__version__ = "0.1.0"

# Imported at first use: torch and diffusers take seconds, and much of the package needs neither.
_EXPORTS = {
    "Colorizer": "colorizer.pipeline",
    "Edit": "colorizer.manipulation",
    "EncodedReference": "colorizer.encoded",
    "EncodedSketch": "colorizer.encoded",
    "GenerationSettings": "colorizer.settings",
    "Preview": "colorizer.generation",
    "Result": "colorizer.generation",
    "UserError": "colorizer.errors",
}
__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str):
    if name not in _EXPORTS:
        raise AttributeError(f"module 'colorizer' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
