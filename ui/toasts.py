"""The short messages at the edge of the page, with their titles in the visitor's language."""

import gradio as gr

from ui.texts import text


def warn(message: str, seconds: float = 10, title: str = "toast_warning") -> None:
    """title: key of its text."""
    gr.Warning(message, duration=seconds, title=text(title))


def inform(message: str, seconds: float = 10) -> None:
    gr.Info(message, duration=seconds, title=text("toast_info"))


def failure(message: str, seconds: float = 10) -> gr.Error:
    """To be raised by a handler: the event ends and the message is shown."""
    return gr.Error(message, duration=seconds, title=text("toast_error"), print_exception=False)
