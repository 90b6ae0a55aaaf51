"""What is kept of one visitor between events, so that nothing is read, encoded or generated twice."""

import io
from collections.abc import Sequence

from PIL import Image

from colorizer.config import ModelConfig
from colorizer.images import read_picture
from colorizer.manipulation.cache import Kept
from colorizer.manipulation.preview import EditPreview, Source
from colorizer.settings import GenerationSettings
from ui.edit_view import picture_address
from ui.model_shelf import ModelShelf

MOST_PICTURES = 8  # two runs of four variants


class EditSession:
    """Copied for each visitor by `gr.State`; only events of that visitor come here."""

    def __init__(self):
        self.preview = EditPreview()
        self._addresses = Kept(4)
        self._pictures = Kept(MOST_PICTURES)

    def source(self, shelf: ModelShelf, model: str, reference: str) -> Source:
        """`reference`: path of the upload, whose folder Gradio names by the content."""
        return Source(
            shelf.encoder_key(model),
            reference,
            shelf.describe(model).config or ModelConfig(),
            picture=lambda: read_picture(reference),
            encoder=lambda: shelf.encoder(model),
        )

    def address(self, reference: str) -> str:
        """The reference as a data: address for the browser. Raises UserError for a file that is no picture."""
        return self._addresses.get(reference, lambda: picture_address(read_picture(reference)))

    def unedited(self, inputs: tuple, settings: GenerationSettings) -> list[Image.Image] | None:
        """The pictures of a run without its edits, None unless all of them were made before.

        inputs: names sketch, reference and model.
        """
        found = [self._pictures.peek(key) for key in _keys(inputs, settings)]
        if any(picture is None for picture in found):
            return None
        return [Image.open(io.BytesIO(picture)).convert("RGB") for picture in found]

    def keep_unedited(self, inputs: tuple, settings: GenerationSettings, pictures: Sequence[Image.Image]) -> None:
        for key, picture in zip(_keys(inputs, settings), pictures, strict=True):
            self._pictures.get(key, lambda picture=picture: _png(picture))


def _keys(inputs: tuple, settings: GenerationSettings) -> list[tuple]:
    """One for each picture: image i of a run depends on seed + i only, whatever the number of variants."""
    alone = settings.evolve(edits=(), batch_size=1)
    return [(*inputs, alone.evolve(seed=settings.seed + i)) for i in range(settings.batch_size)]


def _png(picture: Image.Image) -> bytes:
    """A picture in a fraction of its pixels' bytes: the server keeps some for every visitor."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
