"""Messages of `colorizer`, which knows one language, in the visitor's."""

import re
from functools import cache

from ui.texts import ja_messages
from ui.texts.visitor import current_language

CATALOGUES = {"ja": ja_messages.MESSAGES}


def in_visitors_language(message: str) -> str:
    """The message of an error or a note, translated where the visitor's language has a translation of it."""
    for pattern, translation in _patterns(current_language()):
        if found := pattern.fullmatch(message):
            return translation.format(*found.groups())
    return message


@cache
def _patterns(language: str) -> list[tuple[re.Pattern, str]]:
    return [(pattern_of(english), translated) for english, translated in CATALOGUES.get(language, {}).items()]


def pattern_of(template: str) -> re.Pattern:
    """Matches the messages that `template`, with gaps {0}, {1}, ..., stands for."""
    parts = re.split(r"\{\d\}", template)
    return re.compile("(.+?)".join(map(re.escape, parts)), re.DOTALL)
