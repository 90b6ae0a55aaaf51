"""The status line under the stage, as HTML: what is happening, how far, how long still."""

from html import escape

from ui.texts import text


def idle(message: str) -> str:
    """A line at rest: ready, done."""
    return f'<div class="status-line" role="status">{escape(message)}</div>'


def ended(stopped: str, problem: str = "") -> str:
    """A run that did not finish. problem: why it failed, "" where it was stopped. stopped: what to say then."""
    if not problem:
        return idle(stopped)
    return f'<div class="status-line is-wrong" role="status">{escape(problem)}</div>'


def busy(message: str) -> str:
    """A line for work whose length is unknown: waiting, loading."""
    return f'<div class="status-line is-busy" role="status"><span class="pulse"></span>{escape(message)}</div>'


def step(number: int, steps: int, seconds_left: float | None, part: str = "") -> str:
    """Step `number` of `steps` (counted from 1) with a bar and, once known, the seconds left.

    part: which part of a longer run it is, said before.
    """
    message = escape(part + text("status_step", step=number, steps=steps))
    left = "" if seconds_left is None else text("status_left", seconds=max(1, round(seconds_left)))
    return (
        f'<div class="status-line"><span>{message}</span><span class="status-left">{left}</span>'
        f'<div class="status-bar" role="progressbar" aria-label="{message}" aria-valuemin="0" aria-valuemax="{steps}" '
        f'aria-valuenow="{number}"><div style="width:{100 * number / steps:.0f}%"></div></div></div>'
    )


def done(seconds: float, seeds: tuple[int, ...]) -> str:
    """What a finished run took and the seeds of its pictures."""
    key = "status_done_one" if len(seeds) == 1 else "status_done_many"
    return idle(text(key, seconds=seconds, seeds=", ".join(map(str, seeds))))
