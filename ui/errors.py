"""What a visitor sees of an error: a short message, whatever went wrong."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from colorizer.errors import UserError
from ui.texts import text
from ui.texts.messages import in_visitors_language
from ui.toasts import failure

log = logging.getLogger(__name__)


def saying_why(problem: gr.State, updates: Iterator[dict]) -> Iterator[dict]:
    """The updates of a run. The message of its error goes to `problem` first, for the handler of the run's end."""
    try:
        yield from updates
    except gr.Error as error:
        yield {problem: error.message}
        raise


@contextmanager
def errors_as_toasts(unforeseen: str = "error_unexpected") -> Iterator[None]:
    """Turn an error into a short message on the page. Unforeseen ones go to the log in full.

    unforeseen: key of the text for them.
    """
    try:
        yield
    except UserError as error:
        raise failure(in_visitors_language(str(error))) from error
    except gr.Error:
        raise
    except Exception as error:
        log.exception("an event of the page failed")
        raise failure(text(unforeseen), 15) from error
