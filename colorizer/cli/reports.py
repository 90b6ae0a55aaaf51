"""What the evaluating commands share: checks before the work, writing reports, tables as text."""

import argparse
import json
import os
from pathlib import Path

from colorizer.errors import UserError


def check_counts(args: argparse.Namespace, *names: str) -> None:
    """Raise UserError unless each of these arguments is None, or 1 or more."""
    for name in names:
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be 1 or more.")


def check_writable(*paths: Path | None) -> None:
    """Raise UserError unless each of these is None, or a file in a folder that exists: before the work, not after."""
    for path in filter(None, paths):
        if path.is_dir() or not path.resolve().parent.is_dir():
            raise UserError(f"{path} cannot be written; give a file in a folder that exists.")


def check_new_folder(folder: Path) -> None:
    """Raise UserError unless a set can be written there, before the drawings are made: that takes minutes."""
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty; give a new folder.")
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}); give another folder.") from error
    above = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UserError(f"{folder} cannot be made; give another folder.")


def write_report(report: dict, path: Path) -> None:
    """The report as JSON; UserError where it cannot be written."""
    try:
        path.write_text(json.dumps(report, indent=1, allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); check the folder.") from error


def estimate_text(estimate: dict) -> str:
    """A mean with its interval, "-" where the measure does not apply."""
    if estimate["mean"] is None:
        return "-"
    return f"{estimate['mean']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def table_text(rows: list[list[str]]) -> str:
    """Rows of cells in columns."""
    return "\n".join(
        "  ".join(f"{text:<{20 if i == 0 else 26}}" for i, text in enumerate(row)).rstrip() for row in rows
    )
