"""Arguments of the endpoints for programs: components that are not drawn and say what they are for."""

import gradio as gr

from ui.drawn_by_gradio import DrawnByGradio
from ui.picture_upload import PictureUpload, picture_upload


class Described(DrawnByGradio):
    """Mixin for a component: `meaning` goes into the API's documentation, the OpenAPI description and the MCP tools."""

    meaning = ""

    def api_info(self) -> dict:
        return {**super().api_info(), "description": self.meaning}


class DescribedPicture(Described, PictureUpload):
    pass


class DescribedNumber(Described, gr.Number):
    pass


class DescribedText(Described, gr.Textbox):
    pass


class DescribedChoice(Described, gr.Dropdown):
    pass


class DescribedSwitch(Described, gr.Checkbox):
    pass


class DescribedValues(Described, gr.JSON):
    def api_info(self) -> dict:
        return {"type": "object", "description": self.meaning}


def picture(label: str, meaning: str) -> gr.Image:
    return _with_meaning(picture_upload(label, kind=DescribedPicture, visible=False), meaning)


def number(label: str, meaning: str, value: float | None = None, **options) -> gr.Number:
    """Without `value` it may be left out and is None then."""
    return _with_meaning(DescribedNumber(value, label=label, visible=False, **options), meaning)


def text(label: str, meaning: str, value: str | None = None) -> gr.Textbox:
    return _with_meaning(DescribedText(value, label=label, visible=False), meaning)


def choice(label: str, meaning: str, choices: tuple[str, ...], value: str) -> gr.Dropdown:
    return _with_meaning(DescribedChoice(list(choices), value=value, label=label, visible=False), meaning)


def switch(label: str, meaning: str, value: bool = False) -> gr.Checkbox:
    return _with_meaning(DescribedSwitch(value, label=label, visible=False), meaning)


def values(label: str, meaning: str) -> gr.JSON:
    """A JSON object."""
    return _with_meaning(DescribedValues(label=label, visible=False), meaning)


def _with_meaning(component: gr.components.Component, meaning: str) -> gr.components.Component:
    component.meaning = meaning
    return component
