"""The pictures of each visitor's session on disk: one folder a visitor, bounded in number, bytes and age.

A visitor is known by a key that only their browser holds. It is never written down: a folder is named by its hash, and
all folders are deleted when the program ends.
"""

import hashlib
import json
import re
import secrets
import shutil
import tempfile
import threading
import time
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from PIL import Image

KEY = re.compile(r"[A-Za-z0-9_-]{43}")  # secrets.token_urlsafe(32)
THUMBNAIL_SIDE = 256  # pixels
INDEX, USED = "index.json", "used"  # files beside the pictures; the second is touched at every use


@dataclass(frozen=True)
class HistoryLimits:
    """pictures, visitor_bytes: of one visitor; total_bytes: of all; unused: seconds after which a visitor's go."""

    pictures: int = 100
    visitor_bytes: int = 150 * 2**20
    total_bytes: int = 2 * 2**30
    unused: float = 24 * 3600


@dataclass(frozen=True)
class HistoryEntry:
    """One picture. name: of its file when downloaded; before: the file of the sketch as the model saw it."""

    id: str
    name: str
    seed: int
    before: str
    pinned: bool = False
    deleted: bool = False


def new_key() -> str:
    """A key for a visitor, with 256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


def is_key(value) -> bool:
    return isinstance(value, str) and KEY.fullmatch(value) is not None


class HistoryStore:
    """Shared by all visitors; every method takes the key of the one who asks and reaches that one's folder only."""

    def __init__(self, limits: HistoryLimits = HistoryLimits()):
        self.limits = limits
        self._owner = tempfile.TemporaryDirectory(prefix="colorize-history-")  # readable by this user only
        self._root = Path(self._owner.name)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Delete all histories; the end of the program does so too."""
        self._owner.cleanup()

    def entries(self, key: str) -> list[HistoryEntry]:
        """Newest first, without deleted ones."""
        with self._lock:
            return self._visible(self._folder(key))

    def forget_old_visitors(self, key: str) -> None:
        """Delete what others have not used for long; so does every `add`."""
        with self._lock:
            self._forget_old_visitors(self._folder(key))

    def add(self, key: str, pictures: list[Path], seeds: list[int], before: Path) -> list[HistoryEntry]:
        """Copy the pictures of a run, oldest history making room, and return the entries as `entries` does."""
        with self._lock:
            folder = self._folder(key)
            folder.mkdir(exist_ok=True)
            (folder / USED).touch()
            before_name = f"{secrets.token_hex(8)}-before.png"
            shutil.copyfile(before, folder / before_name)
            added = []
            for picture, seed in zip(pictures, seeds, strict=True):
                entry = HistoryEntry(secrets.token_hex(8), picture.name, seed, before_name)
                shutil.copyfile(picture, self._picture(folder, entry))
                with Image.open(picture) as image:
                    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
                    image.convert("RGB").save(self._thumbnail(folder, entry), quality=85)
                added.append(entry)
            kept = [entry for entry in self._read(folder) if not entry.deleted]  # undo reaches back to the last run
            self._write(folder, self._within_limits(folder, [*added, *kept], len(added)))
            self._forget_old_visitors(folder)
            return self._visible(folder)

    def change(self, key: str, entry_id: str, **changes) -> HistoryEntry | None:
        """Set `pinned` or `deleted` of an entry; None where there is no such entry."""
        with self._lock:
            folder = self._folder(key)
            entries = self._read(folder)
            found = next((entry for entry in entries if entry.id == entry_id), None)
            if found is None:
                return None
            changed = replace(found, **changes)
            self._write(folder, [changed if entry is found else entry for entry in entries])
            return changed

    def files(self, key: str, entry_id: str) -> tuple[Path, Path] | None:
        """(before, picture) of an entry; None where there is no such entry."""
        with self._lock:
            folder = self._folder(key)
            for entry in self._visible(folder):
                if entry.id == entry_id:
                    return folder / entry.before, self._picture(folder, entry)
            return None

    def thumbnails(self, key: str) -> list[Path]:
        """One for each of `entries`, in that order."""
        with self._lock:
            folder = self._folder(key)
            return [self._thumbnail(folder, entry) for entry in self._visible(folder)]

    def write_zip(self, key: str, target: Path) -> int:
        """All pictures as they were made, without recompression. The number of pictures is returned."""
        with self._lock, zipfile.ZipFile(target, "w") as archive:
            folder = self._folder(key)
            entries = self._visible(folder)
            for number, entry in enumerate(reversed(entries), start=1):
                # A fixed date: the same pictures make the same file, which Gradio then keeps once.
                name = zipfile.ZipInfo(f"{number:03}-{entry.name}")
                archive.writestr(name, self._picture(folder, entry).read_bytes())
            return len(entries)

    def _folder(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError("not a visitor's key")
        folder = self._root / hashlib.sha256(key.encode()).hexdigest()
        if folder.is_dir():
            (folder / USED).touch()
        return folder

    def _visible(self, folder: Path) -> list[HistoryEntry]:
        return [entry for entry in self._read(folder) if not entry.deleted]

    def _read(self, folder: Path) -> list[HistoryEntry]:
        index = folder / INDEX
        return [HistoryEntry(**entry) for entry in json.loads(index.read_text())] if index.is_file() else []

    def _write(self, folder: Path, entries: list[HistoryEntry]) -> None:
        """Write the index and delete the files that it does not name."""
        (folder / INDEX).write_text(json.dumps([asdict(entry) for entry in entries]))
        named = {INDEX, USED}
        for entry in entries:
            named |= {entry.before, self._picture(folder, entry).name, self._thumbnail(folder, entry).name}
        for path in folder.iterdir():
            if path.name not in named:
                path.unlink()

    def _within_limits(self, folder: Path, entries: list[HistoryEntry], newest: int) -> list[HistoryEntry]:
        """Drop the oldest, unpinned ones first; the `newest` stay."""
        kept = list(entries)
        droppable = sorted(reversed(kept[newest:]), key=lambda entry: entry.pinned)
        sizes = {entry.id: self._picture(folder, entry).stat().st_size for entry in kept}
        for entry in droppable:
            if len(kept) <= self.limits.pictures and sum(sizes[e.id] for e in kept) <= self.limits.visitor_bytes:
                break
            kept.remove(entry)
        return kept

    def _forget_old_visitors(self, current: Path) -> None:
        """Delete folders unused for long, and the longest unused ones while all together are too large."""
        folders = [folder for folder in self._root.iterdir() if folder != current]
        folders.sort(key=_last_use)
        total = sum(map(_size, [*folders, current]))
        for folder in folders:
            if total <= self.limits.total_bytes and time.time() - _last_use(folder) <= self.limits.unused:
                break
            total -= _size(folder)
            shutil.rmtree(folder)

    @staticmethod
    def _picture(folder: Path, entry: HistoryEntry) -> Path:
        return folder / f"{entry.id}.png"

    @staticmethod
    def _thumbnail(folder: Path, entry: HistoryEntry) -> Path:
        return folder / f"{entry.id}-small.jpg"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0


def _last_use(folder: Path) -> float:
    return (folder / USED).stat().st_mtime
