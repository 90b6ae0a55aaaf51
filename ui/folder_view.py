"""The status line of a folder and the list of what was skipped, as HTML."""

from collections.abc import Sequence
from html import escape

from ui.texts import text


def progress(number: int, count: int, name: str, share: float, seconds_left: float | None) -> str:
    """Sketch `number` of `count` is being coloured; `share` of the whole work, 0 to 1, is done."""
    message = escape(text("folder_progress", number=number, count=count, name=name))
    left = "" if seconds_left is None else text("status_left", seconds=max(1, round(seconds_left)))
    percent = round(100 * share)
    return (
        f'<div class="status-line"><span>{message}</span><span class="status-left">{left}</span>'
        f'<div class="status-bar" role="progressbar" aria-label="{message}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><div style="width:{percent}%"></div></div></div>'
    )


def skipped(sketches: Sequence[tuple[str, str]]) -> str:
    """The sketches that gave no picture, as (name, reason); nothing where there are none."""
    if not sketches:
        return ""
    rows = "".join(f"<li><b>{escape(name)}</b> {escape(reason)}</li>" for name, reason in sketches)
    return f'<div class="skipped"><h2>{escape(text("folder_skipped", count=len(sketches)))}</h2><ul>{rows}</ul></div>'
