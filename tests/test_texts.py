"""Interface texts: complete in every language, and each visitor gets their own."""

import json
import string

import pytest
from gradio.context import LocalContext
from gradio.route_utils import Request

from ui.texts import LANGUAGES, page_for_everybody, text, translate
from ui.texts.visitor import language_of

ENGLISH = LANGUAGES["en"]


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
