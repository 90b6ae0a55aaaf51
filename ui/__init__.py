"""The web page (Gradio): layout, events and appearance. All picture and model work is in `colorizer`."""
