"""Which language a visitor reads: the one chosen on the page (a cookie), else the browser's."""

import re
from collections.abc import Mapping

from gradio.context import LocalContext

DEFAULT = "en"
KNOWN = ("en", "ja")
COOKIE = "language"

_CHOSEN = re.compile(rf"(?:^|;)\s*{COOKIE}=({'|'.join(KNOWN)})\s*(?:;|$)")


def language_of(headers: Mapping[str, str]) -> str:
    """The language for a request with these headers (names in lower case)."""
    if chosen := _CHOSEN.search(headers.get("cookie", "")):
        return chosen[1]
    wishes = [_wish(part) for part in headers.get("accept-language", "").split(",")]
    for language, _ in sorted(wishes, key=lambda wish: -wish[1]):
        if language in KNOWN:
            return language
    return DEFAULT


def current_language() -> str:
    """The language of the visitor whose event Gradio is handling; English outside of events."""
    request = LocalContext.request.get(None)
    return DEFAULT if request is None else language_of(dict(request.headers))


def _wish(part: str) -> tuple[str, float]:
    """ "ja-JP;q=0.8" -> ("ja", 0.8)"""
    tag, _, weight = part.strip().partition(";q=")
    try:
        return tag.split("-")[0].lower(), float(weight or 1)
    except ValueError:
        return "", 0.0
