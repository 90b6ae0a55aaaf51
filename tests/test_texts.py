"""Interface texts: complete in every language, and each visitor gets their own."""

import ast
import json
import re
import string
from pathlib import Path

import pytest
from gradio.context import LocalContext
from gradio.route_utils import Request

import colorizer
from colorizer.errors import UserError
from colorizer.settings import GenerationSettings
from ui.texts import LANGUAGES, page_for_everybody, text, translate
from ui.texts.messages import CATALOGUES, in_visitors_language, pattern_of
from ui.texts.visitor import language_of

ENGLISH = LANGUAGES["en"]
COLORIZER = Path(colorizer.__file__).parent
# What a visitor's request reaches; the rest speaks to who runs the program.
REACHED = (
    "change_map", "checkpoint", "images", "lineart", "locked_model", "memory_retry", "pipeline", "png",
    "region_report", "settings", "manipulation/*",
)  # fmt: skip


def placeholders(template):
    return sorted(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_every_language_has_the_same_keys_and_placeholders(language):
    texts = LANGUAGES[language]
    assert set(texts) == set(ENGLISH)
    assert {key: placeholders(texts[key]) for key in texts} == {key: placeholders(ENGLISH[key]) for key in texts}
    same = {key for key in texts if texts[key] == ENGLISH[key] and any(c.islower() for c in texts[key])}
    assert len(same) < 0.1 * len(texts)  # names such as Karras are the same, sentences are not


@pytest.mark.parametrize("texts", LANGUAGES.values())
def test_texts_are_safe_inside_html(texts):
    assert [key for key, value in texts.items() if set(value) & set('<>&"')] == []


@pytest.mark.parametrize(
    "headers, language",
    [
        ({}, "en"),
        ({"accept-language": "ja-JP,ja;q=0.9,en;q=0.8"}, "ja"),
        ({"accept-language": "en;q=0.5, ja;q=0.9"}, "ja"),
        ({"accept-language": "fr-FR,fr;q=0.9,ja;q=0.4"}, "ja"),
        ({"accept-language": "de;q=x,;;q=,"}, "en"),
        ({"accept-language": "en", "cookie": "a=b; language=ja; c=d"}, "ja"),
        ({"accept-language": "ja", "cookie": "language=en"}, "en"),
        ({"accept-language": "ja", "cookie": "language=../etc"}, "ja"),
        ({"cookie": "my_language=ja"}, "en"),
    ],
)
def test_the_language_chosen_on_the_page_comes_before_the_browsers(headers, language):
    assert language_of(headers) == language


def test_an_event_speaks_its_visitors_language():
    token = LocalContext.request.set(Request(headers={"accept-language": "ja"}))
    try:
        assert text("status_step", step=2, steps=9) == LANGUAGES["ja"]["status_step"].format(step=2, steps=9)
    finally:
        LocalContext.request.reset(token)
    assert text("stop") == ENGLISH["stop"]


def test_a_page_built_once_is_filled_in_for_each_language():
    with page_for_everybody():
        page = json.dumps({"label": text("stop"), "html": f"<p>{text('device', device='CPU')}</p>", "n": 1})
    for language, texts in LANGUAGES.items():
        filled = json.loads(translate(page, language))
        assert filled == {"label": texts["stop"], "html": f"<p>{texts['device'].format(device='CPU')}</p>", "n": 1}


@pytest.mark.parametrize("content", ["zz", "00ff", b"{}".hex(), b'["no such key", {}]'.hex(), b"[[], 3]".hex()])
def test_marks_that_are_not_ours_stay_as_they_are(content):
    page = f"a @@text:{content}@@ b"
    assert translate(page, "ja") == page


def _raised_by(module):
    """The messages that a module's UserErrors have, with X for every value; names stand for their constants."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError":
            message = node.args[0]
            message = constants.get(message.id, message) if isinstance(message, ast.Name) else message
            if isinstance(message, ast.Constant):
                yield message.value
            elif isinstance(message, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "X" for part in message.values)


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_error_that_a_visitor_can_meet_is_translated(language):
    modules = [path for name in REACHED for path in COLORIZER.glob(f"{name}.py")]
    messages = {message for module in modules for message in _raised_by(module)}
    assert len(messages) > 50
    known = [pattern_of(template) for template in CATALOGUES[language]]
    # the start of these is put together elsewhere
    missing = {message for message in messages if not any(pattern.fullmatch(message) for pattern in known)}
    assert {message for message in missing if not re.match(r"X(,|is no PNG)|X is X; it must be X", message)} == set()


@pytest.mark.parametrize("language", CATALOGUES)
def test_translated_messages_keep_every_value(language):
    for english, translated in CATALOGUES[language].items():
        assert set(placeholders(translated)) <= set(placeholders(english)), english


def test_a_message_arrives_in_the_visitors_language():
    picture = "The picture is 13000 x 12000 pixels, but a side may have at most 8192; make it smaller."
    assert in_visitors_language(picture) == picture
    token = LocalContext.request.set(Request(headers={"accept-language": "ja"}))
    try:
        assert in_visitors_language(picture).startswith("画像は13000 x 12000ピクセルです。1辺は8192")
        with pytest.raises(UserError) as caught:
            GenerationSettings(steps=1)
        assert in_visitors_language(str(caught.value)) == "stepsは1ですが、2から200までの整数にしてください。"
        assert in_visitors_language("Something new {0}.") == "Something new {0}."
    finally:
        LocalContext.request.reset(token)
