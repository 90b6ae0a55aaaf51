"""A drop zone that hands the uploaded file over as it is."""

import gradio as gr
from gradio.data_classes import ImageData

from ui.texts import text


class PictureUpload(gr.Image):
    """`gr.Image` whose value is the path of the upload, unopened.

    `gr.Image` opens the file with Pillow before the handler runs, so a broken file ends in an error about components.
    Here `colorizer.images` alone opens uploads, with its limits and its messages.
    """

    is_template = True  # drawn by the front end as the class it extends

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is None:
            return None
        if payload.path is None:
            raise gr.Error(text("error_not_a_file"), duration=10, print_exception=False)
        return payload.path


def picture_upload(label: str, **options) -> PictureUpload:
    """A zone for upload, drop and paste that changes nothing of the file."""
    return PictureUpload(
        label=label,
        type="filepath",
        image_mode=None,
        format="png",
        sources=["upload", "clipboard"],
        buttons=[],
        interactive=True,
        **options,
    )
