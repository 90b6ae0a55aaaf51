"""What Hugging Face Spaces need: GPU calls as long as the work, and one model in memory at a time."""

import importlib
import pickle
import re
import sys
import threading
import types
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image, ImageDraw

import ui.generate
import ui.gpu
import ui.model_shelf
from colorizer.errors import UserError
from colorizer.generation import Result
from colorizer.settings import GenerationSettings
from ui.generate import build_generate, gpu_seconds
from ui.model_shelf import ModelShelf

SETTINGS = GenerationSettings(steps=4)


def sketch() -> Image.Image:
    image = Image.new("L", (64, 64), 255)
    ImageDraw.Draw(image).ellipse((10, 10, 50, 50), outline=0, width=3)
    return image


@pytest.fixture
def asked(monkeypatch):
    """The package `spaces` as on ZeroGPU; yields the seconds that were asked for."""
    calls = []

    def GPU(duration):
        def decorate(function):
            def call(*arguments):
                calls.append(duration(*arguments))
                for event in function(*pickle.loads(pickle.dumps(arguments))):
                    yield pickle.loads(pickle.dumps(event))

            return call

        return decorate

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=GPU))
    monkeypatch.setattr(ui.generate, "on_gpu", importlib.reload(ui.gpu).on_gpu)
    yield calls
    monkeypatch.undo()
    importlib.reload(ui.gpu)


def test_a_gpu_is_asked_for_as_long_as_the_work(asked, tiny_checkpoint):
    shelf = ModelShelf(tiny_checkpoint.parent, device="cpu")
    generate = ui.generate.build_generate(shelf)
    for settings in (SETTINGS, SETTINGS.evolve(steps=200, batch_size=2)):
        *_, result = generate(tiny_checkpoint.name, None, sketch(), None, settings)
        assert isinstance(result, Result)
        assert len(result.images) == settings.batch_size
    assert asked == [gpu_seconds(SETTINGS, 64), gpu_seconds(SETTINGS.evolve(steps=200, batch_size=2), 64)]
    assert asked[0] < asked[1]


@pytest.mark.parametrize(
    "more", [{"steps": 40}, {"batch_size": 2}, {"size": 1024}, {"sketch_guidance_scale": 1.5}, {"guidance_scale": 3.0}]
)
def test_more_work_asks_for_more_seconds(more):
    base = GenerationSettings(steps=20, guidance_scale=1.0)
    assert isinstance(gpu_seconds(base, 512), int)
    assert gpu_seconds(base.evolve(**more), 512) > gpu_seconds(base, 512)
    assert gpu_seconds(base, 512) == gpu_seconds(base.evolve(size=512), 2048)


def test_errors_are_toasts_already_where_the_work_is_done(tiny_checkpoint):
    generate = build_generate(ModelShelf(tiny_checkpoint.parent, device="cpu"))
    with pytest.raises(gr.Error, match="Choose another"):
        next(generate("missing.safetensors", None, sketch(), None, SETTINGS))


def test_no_model_takes_the_place_of_one_that_is_at_work(tiny_checkpoint, tiny_cls_checkpoint, monkeypatch):
    shelf = ModelShelf(tiny_checkpoint.parent, device="cpu", extra=tiny_cls_checkpoint)
    events = build_generate(shelf)(tiny_checkpoint.name, None, sketch(), None, SETTINGS)
    next(events)
    at_work = shelf.open(tiny_checkpoint.name)  # the same model is shared

    monkeypatch.setattr(ui.model_shelf, "PATIENCE", 0.1)
    with pytest.raises(UserError, match="Another model is at work"):
        shelf.open(tiny_cls_checkpoint.name)

    monkeypatch.setattr(ui.model_shelf, "PATIENCE", 60.0)
    opened = []
    waiting = threading.Thread(target=lambda: opened.append(shelf.open(tiny_cls_checkpoint.name)))
    waiting.start()
    assert shelf.open(tiny_checkpoint.name) is at_work
    events.close()  # what Stop does
    waiting.join(60)
    assert opened[0].config.kind == "cls"


def test_front_matter_names_what_a_space_needs():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    front = dict(re.findall(r"^(\w+): (.+)$", readme.split("---\n")[1], re.MULTILINE))
    assert front["sdk"] == "gradio"
    assert front["sdk_version"].split(".")[0] == gr.__version__.split(".")[0]
    assert (Path(__file__).parents[1] / front["app_file"]).is_file()
    assert front["python_version"].strip('"') == "3.12"
    assert len(front["short_description"]) <= 60  # the Hub refuses longer ones
