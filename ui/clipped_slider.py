"""A slider whose range may change while its former value is on its way to the server."""

import gradio as gr

from ui.drawn_by_gradio import DrawnByGradio


class ClippedSlider(DrawnByGradio, gr.Slider):
    """`gr.Slider` that takes a value beyond its range as the nearest within, where Gradio's ends in an error."""

    def preprocess(self, payload: float) -> float:
        return super().preprocess(min(max(payload, self.minimum), self.maximum))
