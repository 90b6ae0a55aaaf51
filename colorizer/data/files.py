"""Files in folders and in zip archives, listed once and then read from any process.

A list of millions of files stays small, and forked workers share it: it is a few arrays, not millions of objects. What
is in an archive is read by its place there, so that no process reads an archive's directory again.
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colorizer.errors import UserError

MAX_FILE_BYTES = 200 * 2**20  # unpacked
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of the name and of the extra field
_PLAIN = -1  # the place of a file that is in no archive


@dataclass(frozen=True)
class FileList:
    """Files by number. name: with folders, "/" between them, relative to its folder or archive.

    containers: folders and archives; names: all names one after the other, as UTF-8; ends: (N,) where each ends;
    place: (N, 5) int64, container, offset in the archive (-1 in a folder), packed size, size, method.
    """

    containers: tuple[Path, ...]
    names: bytes
    ends: np.ndarray
    place: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def container(self, index: int) -> int:
        """Which of the containers the file is in."""
        return int(self.place[index, 0])

    def name(self, index: int) -> str:
        start = int(self.ends[index - 1]) if index else 0
        return self.names[start : int(self.ends[index])].decode("utf-8", "surrogateescape")

    def label(self, index: int) -> str:
        """Container and name, for messages."""
        return f"{self.containers[self.container(index)]}/{self.name(index)}"

    def read(self, index: int) -> bytes:
        """The file's bytes. Raises OSError or UserError where it cannot be read."""
        container, offset, packed, size, method = (int(value) for value in self.place[index])
        path = self.containers[container]
        if offset == _PLAIN:
            path = path / self.name(index)
            size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UserError(f"it has more than {MAX_FILE_BYTES >> 20} MB")
        if offset == _PLAIN:
            return path.read_bytes()
        with path.open("rb") as file:
            file.seek(offset)
            header = file.read(_LOCAL_HEADER.size)
            if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
                raise UserError("the archive is damaged")
            _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
            file.seek(name_length + extra_length, os.SEEK_CUR)
            data = file.read(packed)
        return _unpacked(data, size, method)


def list_files(containers: Iterable[Path], suffixes: tuple[str, ...]) -> FileList:
    """All files of these suffixes in folders, with their subfolders, and zip archives; hidden ones are left out.

    In the order of the containers, by name within each. Raises UserError for a container that cannot be read.
    """
    containers = tuple(containers)
    names, ends, places, total = [], [], [], 0
    for number, path in enumerate(containers):
        found = _in_archive(path) if path.is_file() else _in_folder(path)
        kept = ((name, place) for name, place in found if name.lower().endswith(suffixes) and not _is_hidden(name))
        for name, place in sorted(kept):
            encoded = name.encode("utf-8", "surrogateescape")
            total += len(encoded)
            names.append(encoded)
            ends.append(total)
            places.append((number, *place))
    place = np.array(places, np.int64).reshape(-1, 5)
    return FileList(containers, b"".join(names), np.array(ends, np.int64), place)


def _in_folder(folder: Path) -> Iterable[tuple[str, tuple]]:
    if not folder.is_dir():
        raise UserError(f"There is no file or folder {folder}.")
    seen = set()  # links may lead in a circle
    for where, subfolders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders.sort()
        relative = Path(where).relative_to(folder)
        for file in files:
            yield (relative / file).as_posix(), (_PLAIN, 0, 0, 0)


def _in_archive(path: Path) -> Iterable[tuple[str, tuple]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and not info.flag_bits & 1:  # 1: encrypted
                    place = (info.header_offset, info.compress_size, info.file_size, info.compress_type)
                    yield info.filename, place
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise UserError(f"{path} is no zip archive that can be read ({error}); make or copy it again.") from None


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _unpacked(data: bytes, size: int, method: int) -> bytes:
    if method == zipfile.ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
        except zlib.error:
            data = b""
    elif method != zipfile.ZIP_STORED:
        raise UserError("it is packed in a way that cannot be read; pack the archive with deflate or without packing")
    if len(data) != size:
        raise UserError("it is damaged in the archive")
    return data
