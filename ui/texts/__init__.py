"""Interface texts, one file a language. Code asks for a text by its key and gets the visitor's language."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ui.texts import en, ja
from ui.texts.visitor import current_language

LANGUAGES = {"en": en.TEXTS, "ja": ja.TEXTS}

_deferred: ContextVar[bool] = ContextVar("deferred", default=False)
_MARK = re.compile(r"@@text:([0-9a-f]+)@@")


def text(key: str, **values) -> str:
    """The text of `key` with `{placeholders}` filled in, in the language of the visitor whose request is handled.

    Inside `page_for_everybody` it is a mark that `translate` replaces. Outside of any request it is English.
    """
    if _deferred.get():
        return f"@@text:{json.dumps([key, values]).encode().hex()}@@"
    return _lookup(current_language(), key, values)


@contextmanager
def page_for_everybody() -> Iterator[None]:
    """While the page is built once for all visitors, whose languages differ."""
    token = _deferred.set(True)
    try:
        yield
    finally:
        _deferred.reset(token)


def translate(page: str, language: str) -> str:
    """`page` (HTML or JSON with marks inside JSON strings) in one language."""

    def replace(mark: re.Match) -> str:
        try:
            key, values = json.loads(bytes.fromhex(mark[1]))
            found = _lookup(language, key, values)
        except (ValueError, TypeError, KeyError):  # not one of ours: something a visitor wrote
            return mark[0]
        return json.dumps(found, ensure_ascii=True)[1:-1].replace("'", "\\u0027")

    return _MARK.sub(replace, page)


def _lookup(language: str, key: str, values: dict) -> str:
    return LANGUAGES[language][key].format(**values)
