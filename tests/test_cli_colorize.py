"""The colorize command as a user gives it."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from colorizer.cli import COMMANDS, main
from colorizer.manipulation import Edit, RegionMask
from colorizer.pipeline import Colorizer
from colorizer.png import read_parameters
from colorizer.settings import GenerationSettings


def draw(path, width=60, height=40):
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).rectangle((6, 6, width - 7, height - 7), outline="black", width=2)
    picture.save(path)
    return path


@pytest.fixture
def colorize(tmp_path, tiny_checkpoint):
    """Runs the command on a sketch and a reference in tmp_path; later options replace earlier ones."""
    draw(tmp_path / "sketch.png")
    Image.new("RGB", (30, 30), "orange").save(tmp_path / "reference.png")

    def run(*options):
        given = {"--sketch": tmp_path / "sketch.png", "--reference": tmp_path / "reference.png"}
        given |= {"--out": tmp_path / "out.png", "--checkpoint": tiny_checkpoint, "--device": "cpu", "--steps": 2}
        arguments = [str(part) for pair in given.items() for part in pair]
        return main(["colorize", *arguments, *map(str, options)])

    return run


def test_picture_with_its_parameters(colorize, tmp_path, tiny_checkpoint):
    edit = "target=green hair; anchor=hair; control=the hair; scale=9"
    options = ["--gs", 3, "--sgs", 1.5, "--noise-level", 0.4, "--schedule", "vp", "--sampler", "unipc", "--seed", 11]
    assert colorize(*options, "--size", 96, "--edit", edit, "--dtype", "float32") == 0

    parameters = read_parameters(tmp_path / "out.png")
    assert parameters.settings == GenerationSettings(
        steps=2,
        guidance_scale=3,
        sketch_guidance_scale=1.5,
        noise_level=0.4,
        schedule="vp",
        sampler="unipc",
        size=96,
        seed=11,
        edits=(Edit("green hair", anchor="hair", control="the hair", target_scale=9),),
    )
    colorizer = Colorizer.load(tiny_checkpoint, device="cpu", dtype="float32")
    assert (parameters.model, parameters.model_hash) == ("tiny", colorizer.model_hash)
    with (
        Image.open(tmp_path / "out.png") as out,
        Image.open(tmp_path / "sketch.png") as sketch,
        Image.open(tmp_path / "reference.png") as reference,
    ):
        assert out.size == (96, 64)
        again = colorizer.colorize(sketch.convert("L"), reference, parameters.picture_settings)[0]
        assert out.tobytes() == again.tobytes()


def test_batch_is_numbered_and_each_picture_knows_its_seed(colorize, tmp_path):
    assert colorize("--batch", 2, "--seed", 5) == 0
    assert not (tmp_path / "out.png").exists()
    assert [read_parameters(tmp_path / f"out-{i}.png").seed for i in range(2)] == [5, 6]


def test_edits_from_a_file_come_first(colorize, tmp_path):
    (tmp_path / "edits.json").write_text('[{"target": "blue eyes"}]')
    assert colorize("--edits", tmp_path / "edits.json", "--edit", "target=red hair") == 0
    assert [edit.target for edit in read_parameters(tmp_path / "out.png").settings.edits] == ["blue eyes", "red hair"]


def test_folder(colorize, tmp_path, capsys, monkeypatch):
    sketches = tmp_path / "sketches"
    sketches.mkdir()
    draw(sketches / "a.png")
    draw(sketches / "b.png", 40, 60)
    draw(sketches / "b.jpg")
    (sketches / "c.png").write_text("no picture")
    Image.new("RGB", (50, 50), "white").save(sketches / "blank.png")
    encoded = []
    encode = Colorizer.encode_reference
    monkeypatch.setattr(Colorizer, "encode_reference", lambda self, image: encoded.append(1) or encode(self, image))

    assert colorize("--sketch", sketches, "--out", tmp_path / "new" / "out") == 1
    written = sorted(path.name for path in (tmp_path / "new" / "out").iterdir())
    assert written == ["a.png", "b.jpg.png", "b.png.png"]
    assert len(encoded) == 1
    output = capsys.readouterr()
    skipped = [line.split(":")[0] for line in output.err.splitlines()[-2:]]
    assert skipped == ["skipped blank.png", "skipped c.png"]  # where they are seen: after the progress
    assert "3 of 5" in output.out


def test_several_references_and_a_sharp_picture(colorize, tmp_path, capsys):
    Image.new("RGB", (30, 30), "navy").save(tmp_path / "second.png")
    options = ["--reference", tmp_path / "second.png", "--reference-weight", 1, "--reference-weight", 0.5]
    assert colorize(*options, "--reference-region", "++../++../++../++..", "--sharp", "--size", 128) == 0
    done, of = re.findall(r"(\d+)/(\d+) \[", capsys.readouterr().err)[-1]
    assert done == of  # the bar knows of both passes
    settings = read_parameters(tmp_path / "out.png").settings
    assert (settings.sharp, settings.size, settings.reference_weights) == (True, 128, (1, 0.5))
    assert settings.reference_regions == (RegionMask(("++..",) * 4),)


def test_layers_and_kept_lines(colorize, tmp_path):
    assert colorize("--layers", "--keep-lines", "--injection", 0.5, "--adain", "--similarity-end", 0.5) == 0
    settings = read_parameters(tmp_path / "out.png").settings
    assert (settings.keep_lines, settings.attention_injection, settings.adain, settings.similarity_end) == (
        True, 0.5, 1, 0.5
    )  # fmt: skip
    with Image.open(tmp_path / "out.png") as out, Image.open(tmp_path / "out-colours.png") as colours:
        merged = colours.copy()
        with Image.open(tmp_path / "out-lines.png") as lines:
            merged.paste(lines, mask=lines.getchannel("A"))
        assert out.size == (64, 43)  # the model's own size is larger than the sketch
        assert np.abs(np.asarray(merged, int) - np.asarray(out, int)).max() <= 1
    assert zipfile.is_zipfile(tmp_path / "out.ora")


def test_out_folder_for_one_sketch(colorize, tmp_path):
    (tmp_path / "results").mkdir()
    assert colorize("--out", tmp_path / "results") == 0
    assert (tmp_path / "results" / "sketch.png").exists()


@pytest.mark.parametrize(
    "options, said",
    [
        (["--steps", 0], "steps is 0"),
        (["--edit", "target"], "Edit part"),
        (["--sketch", "nowhere.png"], "nowhere.png"),
        (["--reference-weight", 9], "reference_weights is 9"),
        (["--reference-region", "+x"], "painted region"),
        (["--reference", "{tmp}/sketch.png"] * 3, "4 references"),
        (["--reference", "nowhere.png"], "nowhere.png"),
        (["--reference", __file__], f"{__file__}: This is not a PNG"),
        (["--sketch", __file__], f"{__file__}: This is not a PNG"),
        (["--checkpoint", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--checkpoint", "model.ckpt"], "pickle"),
        (["--out", "result.jpg"], ".png"),
        (["--out", "no/such/folder/result.png"], "folder"),
        (["--out", "{tmp}/sketch.png"], "sketch.png would be overwritten"),
        (["--out", "{tmp}/reference.png"], "reference.png would be overwritten"),
        (["--sketch", "{tmp}", "--out", "{tmp}"], "would be overwritten"),
        (["--sketch", "{tmp}", "--out", "{tmp}/sketch.png"], "cannot be a folder"),
        (["--device", "warp"], "warp"),
    ],
)
def test_mistakes_are_told_in_one_line(colorize, tmp_path, capsys, options, said):
    before = [(tmp_path / name).read_bytes() for name in ("sketch.png", "reference.png")]
    assert colorize(*(str(option).format(tmp=tmp_path) for option in options)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and said in error
    assert [(tmp_path / name).read_bytes() for name in ("sketch.png", "reference.png")] == before
    assert not (tmp_path / "out.png").exists()


def test_what_a_command_lacks_is_named(monkeypatch, capsys):
    monkeypatch.setitem(COMMANDS, "train", ("a_package_that_is_missing.train", ""))
    assert main(["train", "mini"]) == 2
    assert "a_package_that_is_missing is not installed; run pip install" in capsys.readouterr().err
    monkeypatch.setitem(COMMANDS, "train", ("colorizer.cli.missing", ""))
    with pytest.raises(ModuleNotFoundError):  # a mistake of ours
        main(["train", "mini"])


def test_importing_the_package_is_quick():
    code = "import sys, colorizer; assert 'torch' not in sys.modules; assert colorizer.GenerationSettings().steps == 20"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=True)
