"""A part of a page that is folded away until its title is pressed."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import gradio as gr


@contextmanager
def fold(title: str, elem_id: str) -> Iterator[None]:
    """What is built within is hidden until a visitor unfolds it; CSS hides it while the `<details>` is closed.

    `gr.Accordion` mounts its content when it is opened and sets the first values again some frames later, over what was
    typed or painted by then. Here everything is there from the beginning.
    """
    with gr.Column(elem_id=elem_id, elem_classes="fold", min_width=0):
        gr.HTML(f"<details><summary>{escape(title)}</summary></details>", padding=False, elem_classes="fold-title")
        with gr.Column(elem_classes="fold-body", min_width=0):
            yield
