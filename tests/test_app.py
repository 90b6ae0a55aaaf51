"""Flags of app.py, and the models and presets behind the page."""

import shutil
import socket

import gradio as gr
import pytest
import torch
from safetensors.torch import save_file

import app
from app import parse_arguments
from colorizer.errors import UserError
from colorizer.pipeline import Colorizer
from ui import presets
from ui.about import about_text
from ui.model_shelf import ModelShelf


def test_listens_on_this_computer_only_unless_on_a_space(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert parse_arguments([]).host == "127.0.0.1"
    assert parse_arguments(["--host", "0.0.0.0"]).host == "0.0.0.0"
    monkeypatch.setenv("SPACE_ID", "someone/space")
    assert parse_arguments([]).host == "0.0.0.0"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--share"], "--password"),
        (["--share", "--password", ""], "--password"),
        (["--password", ""], "--password is empty"),
        (["--checkpoint", "nowhere.safetensors"], "there is no file nowhere.safetensors"),
        (["--port", "65536"], "from 1 to 65535"),
    ],
)
def test_refuses_unsafe_or_impossible_flags(flags, message, capsys):
    with pytest.raises(SystemExit):
        parse_arguments(flags)
    assert message in capsys.readouterr().err


def test_a_port_in_use_is_told_in_one_line(monkeypatch, tmp_path, tiny_checkpoint, capsys):
    shutil.copy(tiny_checkpoint, tmp_path)
    monkeypatch.setattr(app, "CHECKPOINTS", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert app.main(["--device", "cpu", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1, port {port}" in error and "--port" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", None])
def test_a_damaged_checkpoint_is_named(monkeypatch, tmp_path, tiny_checkpoint, capsys, content):
    content = tiny_checkpoint.read_bytes()[:-1000] if content is None else content
    (tmp_path / "mini.safetensors").write_bytes(content)
    monkeypatch.setattr(app, "CHECKPOINTS", tmp_path)
    assert app.main(["--device", "cpu"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: mini.safetensors is no complete .safetensors file") and "Traceback" not in error


def test_weights_of_something_else_are_refused_at_the_start(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(app, "CHECKPOINTS", tmp_path)
    other = tmp_path / "lora.safetensors"
    save_file({"lora_up.weight": torch.zeros(3)}, other)
    assert app.main(["--checkpoint", str(other), "--no-browser"]) == 2
    assert "error: lora.safetensors holds no colorization model" in capsys.readouterr().err


def test_without_a_checkpoint_the_page_is_there_all_the_same(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(app, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(gr.Blocks, "block_thread", lambda self: None)
    try:
        assert app.main(["--device", "cpu", "--no-browser"]) == 0
    finally:
        gr.close_all(verbose=False)
    told = capsys.readouterr()
    assert "There is no model in" in told.err
    assert "The page is at http://127.0.0.1:" in told.out


def test_a_shelf_offers_the_given_model_first_and_keeps_one_in_memory(tiny_checkpoint, tiny_cls_checkpoint, tmp_path):
    shutil.copy(tiny_checkpoint, tmp_path / "a.safetensors")
    shutil.copy(tiny_checkpoint, tmp_path / "mini.safetensors")
    assert ModelShelf(tmp_path).names() == ["mini.safetensors", "a.safetensors"]
    shelf = ModelShelf(tmp_path, device="cpu", extra=tiny_cls_checkpoint)
    assert shelf.names() == [tiny_cls_checkpoint.name, "mini.safetensors", "a.safetensors"]
    first = shelf.open(shelf.default())
    assert first.config.kind == "cls"
    assert shelf.open(shelf.default()) is first
    assert shelf.open("a.safetensors").config.kind == "attention"
    assert shelf.open(shelf.default()) is not first


def test_a_shelf_opens_only_what_it_offers(tmp_path, tiny_checkpoint):
    with pytest.raises(UserError, match="no model"):
        ModelShelf(tmp_path).open("mini.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"not a model")
    with pytest.raises(UserError, match="broken"):
        ModelShelf(tmp_path).describe("broken.safetensors")
    with pytest.raises(UserError, match="Choose another"):
        ModelShelf(tmp_path).open(f"../{tiny_checkpoint.parent.name}/{tiny_checkpoint.name}")


def test_a_published_file_is_asked_about_unless_it_states_what_it_predicts(tmp_path, monkeypatch):
    path = tmp_path / "mult-eps.safetensors"
    save_file({"model.diffusion_model.out.2.bias": torch.zeros(4)}, path)
    loaded = []
    monkeypatch.setattr(Colorizer, "load", lambda path, device, prediction_type: loaded.append(prediction_type))
    shelf = ModelShelf(tmp_path, device="cpu")
    assert not shelf.describe(path.name).states_prediction_type
    with pytest.raises(UserError, match="choose the prediction type"):
        shelf.open(path.name)
    for choice in ("v_prediction", "epsilon", "epsilon"):
        shelf.open(path.name, choice)
    path.rename(tmp_path / "mult.safetensors")
    for choice in ("v_prediction", None):
        shelf.open("mult.safetensors", choice)
    (tmp_path / "mult.json").write_text('{"prediction_type": "epsilon"}')
    assert shelf.describe("mult.safetensors").states_prediction_type
    shelf.open("mult.safetensors", "v_prediction")  # the page's choice is hidden and does not count
    assert loaded == ["v_prediction", "epsilon", "v_prediction", None]


def test_the_about_page_prefers_the_card(tmp_path, tiny_checkpoint):
    shutil.copy(tiny_checkpoint, tmp_path / "tiny.safetensors")
    assert "random weights" in about_text(ModelShelf(tmp_path).describe("tiny.safetensors"))
    (tmp_path / "tiny.md").write_text("---\nlicense: x\n---\n# The card\n")
    assert about_text(ModelShelf(tmp_path).describe("tiny.safetensors")).strip() == "# The card"


def test_presets_stay_within_the_models_ranges():
    ranges = {"guidance_scale": (1, 3, 2)}
    assert presets.values_within("reference", {})["guidance_scale"] == 4
    assert presets.values_within("reference", ranges)["guidance_scale"] == 3
