"""The models a visitor can choose from, and the one that is in memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from colorizer.checkpoint import FORMAT, checkpoint_hash, read_config, read_metadata
from colorizer.config import ModelConfig
from colorizer.encoder import Encoder
from colorizer.errors import UserError
from colorizer.pipeline import Colorizer
from colorizer.precision import choose_device
from colorizer.published import default_prediction_type, stated_prediction_type
from ui.texts import text

PATIENCE = 30.0  # seconds that a change of model waits for a run to end


@dataclass(frozen=True)
class ModelDescription:
    """What the page must know of a model before its weights are read.

    slider_ranges: setting -> (minimum, maximum, default). states_prediction_type: False for published files that do not
    say what they predict; the visitor chooses.
    """

    name: str = ""
    native_size: int = ModelConfig.native_size
    slider_ranges: dict = field(default_factory=dict)
    states_prediction_type: bool = True
    config: ModelConfig | None = None
    card: str = ""


class ModelShelf:
    """The `.safetensors` files of a folder, and one more from elsewhere if given. One model at a time is in memory.

    Shared by all visitors; it holds nothing of theirs.
    """

    def __init__(self, folder: Path, device: str = "auto", extra: Path | None = None):
        self._folder, self._extra = folder, extra
        self.device = str(choose_device(device))
        self._lock = threading.Lock()
        self._unused = threading.Condition(self._lock)
        self._users = 0
        self._loaded: tuple[tuple, Colorizer] | None = None
        self._encoder_lock = threading.Lock()
        self._encoder: tuple[str, Encoder] | None = None

    def names(self) -> list[str]:
        """Names to choose from; the folder is read anew each time."""
        return list(self._paths())

    def default(self) -> str | None:
        """The name to begin with, None while there is no model."""
        return next(iter(self._paths()), None)

    def describe(self, name: str) -> ModelDescription:
        """Read the description from the file's metadata. Raises UserError for a file that is no model."""
        path = self._path(name)
        metadata = read_metadata(path)
        card = path.with_suffix(".md")
        card_text = card.read_text(encoding="utf-8") if card.is_file() else ""
        if metadata.get("format") != FORMAT:
            states = stated_prediction_type(path, metadata) is not None
            return ModelDescription(name, states_prediction_type=states, card=card_text)
        config = read_config(metadata, path)
        return ModelDescription(name, config.native_size, config.slider_ranges, config=config, card=card_text)

    def describe_any(self, name: str | None) -> ModelDescription:
        """As `describe`; the description of no model where there is no such file, or none any more."""
        return self.describe(name) if name in self.names() else ModelDescription()

    def find(self, model_hash: str) -> str | None:
        """The name of the model whose file has this hash (see `checkpoint_hash`)."""
        for name, path in self._paths().items():
            if hash_of(path, path.stat().st_mtime_ns) == model_hash:
                return name
        return None

    def open(self, name: str, prediction_type: str | None = None) -> Colorizer:
        """The loaded model. `prediction_type` counts only for files that do not state it.

        Another model is not put in the place of one that is in use: two may not fit into memory. UserError when that
        lasts.
        """
        key = self._key(name, prediction_type)
        with self._lock:
            return self._load(key)

    def loaded(self, name: str, prediction_type: str | None = None) -> Colorizer | None:
        """The model where it is in memory, without loading it and without waiting."""
        loaded = self._loaded
        return loaded[1] if loaded is not None and loaded[0] == self._key(name, prediction_type) else None

    def encoder_key(self, name: str) -> str:
        """Names the encoder of a model by its file and that file's age."""
        path = self._path(name)
        return f"{path}:{path.stat().st_mtime_ns}"

    def encoder(self, name: str) -> Encoder:
        """CLIP of a model, without waiting for a run: that of the loaded model, or read alone from another's file."""
        key = self.encoder_key(name)
        with self._encoder_lock:
            loaded = self._loaded
            if loaded is not None and key == f"{loaded[0][0]}:{loaded[0][1]}":
                self._encoder = None
                return loaded[1].encoder
            if self._encoder is None or self._encoder[0] != key:
                self._encoder = None
                self._encoder = (key, Encoder.load(self._path(name), self.device))
            return self._encoder[1]

    @contextmanager
    def using(self, name: str, prediction_type: str | None = None) -> Iterator[Colorizer]:
        """`open`, and nothing else is loaded in the model's place until the end of the `with` block."""
        key = self._key(name, prediction_type)
        with self._lock:
            colorizer = self._load(key)
            self._users += 1
        try:
            yield colorizer
        finally:
            with self._lock:
                self._users -= 1
                self._unused.notify_all()

    def _key(self, name: str, prediction_type: str | None) -> tuple:
        path = self._path(name)
        if self.describe(name).states_prediction_type:
            prediction_type = None
        elif prediction_type is None:
            prediction_type = default_prediction_type(path, read_metadata(path))
        return path, path.stat().st_mtime_ns, prediction_type

    def _load(self, key: tuple) -> Colorizer:
        """Call with the lock held."""

        def is_free() -> bool:
            return not self._users or (self._loaded is not None and self._loaded[0] == key)

        if not self._unused.wait_for(is_free, PATIENCE):
            raise UserError(text("error_other_model"))
        if self._loaded is None or self._loaded[0] != key:
            path, _, prediction_type = key
            self._loaded = None  # frees the old weights before the new ones are read
            self._loaded = (key, Colorizer.load(path, device=self.device, prediction_type=prediction_type))
        return self._loaded[1]

    def _paths(self) -> dict[str, Path]:
        found = sorted(self._folder.glob("*.safetensors"))
        found.sort(key=lambda path: path.stem != "mini")
        paths = {path.name: path for path in found}
        if self._extra is None:
            return paths
        return {self._extra.name: self._extra} | {
            name: path for name, path in paths.items() if name != self._extra.name
        }

    def _path(self, name: str | None) -> Path:
        paths = self._paths()
        if not paths:
            raise UserError(text("error_no_model"))
        if name not in paths:
            raise UserError(text("error_unknown_model", name=name))
        return paths[name]


@lru_cache(maxsize=64)
def hash_of(path: Path, _changed: int) -> str:
    """`checkpoint_hash`, computed once for each age (`st_mtime_ns`) of a file."""
    return checkpoint_hash(path)
