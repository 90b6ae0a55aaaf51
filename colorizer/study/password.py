"""The organiser's password: kept as a scrypt hash, compared in constant time."""

import hashlib
import hmac
import secrets

from colorizer.errors import UserError

COST, BLOCK_SIZE = 2**14, 8  # 16 MB and some hundredths of a second a guess
SHORTEST = 8  # characters


def hash_password(password: str) -> str:
    """The written form "scrypt$SALT$HASH" (hexadecimal). Raises UserError for a short password."""
    if len(password) < SHORTEST:
        raise UserError(f"The organiser's password must have at least {SHORTEST} characters.")
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def is_hash(text: str) -> bool:
    """Whether a text is a written form that `verify_password` can read."""
    name, *parts = text.split("$")
    try:
        salt, digest = map(bytes.fromhex, parts)
    except ValueError:
        return False
    return name == "scrypt" and len(salt) == 16 and len(digest) == 32


def verify_password(password: str, written: str) -> bool:
    """Whether a password belongs to a written form."""
    salt, digest = map(bytes.fromhex, written.split("$")[1:])
    return hmac.compare_digest(_scrypt(password, salt), digest)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK_SIZE, p=1, dklen=32)
