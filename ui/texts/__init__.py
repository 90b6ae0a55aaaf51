"""Interface texts, one file a language. Code asks for a text by its key."""

from ui.texts.en import TEXTS


def text(key: str, **values) -> str:
    """The text of `key` with `{placeholders}` filled in."""
    return TEXTS[key].format(**values)
