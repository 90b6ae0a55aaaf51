"""Reading the pictures that a command names: what is wrong with one is said with its name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from colorizer.errors import UserError


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before the message of a UserError that does not begin with it."""
    try:
        yield
    except UserError as error:
        message = str(error)
        raise UserError(message if message.startswith(str(path)) else f"{path}: {message}") from error
