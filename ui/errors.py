"""What a visitor sees of an error: a short message, whatever went wrong."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from colorizer.errors import UserError
from ui.texts import text

log = logging.getLogger(__name__)


@contextmanager
def errors_as_toasts() -> Iterator[None]:
    """Turn an error into a short message on the page. Unforeseen ones go to the log in full."""
    try:
        yield
    except UserError as error:
        raise gr.Error(str(error), duration=10, print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        log.exception("a run failed")
        raise gr.Error(text("error_unexpected"), duration=15, print_exception=False) from error
