"""A drop zone that hands the uploaded file over as it is."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import gradio as gr
from gradio.data_classes import ImageData
from gradio.route_utils import API_PREFIX
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import is_http_url_like

from ui.drawn_by_gradio import DrawnByGradio
from ui.texts import text
from ui.toasts import failure


class UploadsOnly(DrawnByGradio):
    """Mixin for a component that takes files: they are uploads to this server and nothing else.

    Gradio also takes addresses and fetches them, whatever their size.
    """

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        """The path of an upload, which may be given as its address too."""
        if is_http_url_like(str(url_or_file_path)):
            _, is_file, path = unquote(urlsplit(str(url_or_file_path)).path).partition(f"{API_PREFIX}/file=")
            if not (is_file and is_in_or_equal(path, get_upload_folder()) and Path(path).is_file()):
                raise failure(text("error_not_a_file"))
            url_or_file_path = path
        return await super().async_move_resource_to_block_cache(url_or_file_path)


class FileUpload(UploadsOnly, gr.File):
    pass


class PictureUpload(UploadsOnly, gr.Image):
    """`gr.Image` whose value is the path of the upload, unopened.

    `gr.Image` opens the file with Pillow before the handler runs, so a broken file ends in an error about components.
    Here `colorizer.images` alone opens uploads, with its limits and its messages.
    """

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is None:
            return None
        if payload.path is None:
            raise failure(text("error_not_a_file"))
        return payload.path


def picture_upload(label: str, kind: type[PictureUpload] = PictureUpload, **options) -> PictureUpload:
    """A zone for upload, drop and paste that changes nothing of the file."""
    return kind(
        label=label,
        type="filepath",
        image_mode=None,
        format="png",
        sources=["upload", "clipboard"],
        buttons=[],
        interactive=True,
        **options,
    )
