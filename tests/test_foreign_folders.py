"""Folders of other people for `evaluate` and `evaluate-edits`: what lies in them is used, or listed with a reason."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from colorizer.cli import main
from tests.two_fields import drawing

USABLE = {
    "photo.JPG": {"size": (400, 300)}, "web.webp": {}, "flat.gif": {}, "scan.tiff": {}, "print.jpeg": {},
    "clear.png": {}, "large.bmp": {"size": (2200, 2200)}, "another size.png": {"sketch_size": (640, 640)},
    "wide.png": {"size": (640, 256)}, "絵.png": {},
}  # fmt: skip


def save(folder, part, name, picture):
    place = folder / part / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if name == "scan.tiff" and part == "sketch":
        deep = np.asarray(picture.convert("L"), np.uint16) * 257
        return Image.fromarray(deep).save(place)
    if name == "print.jpeg":
        picture = picture.convert("CMYK")
    if name == "clear.png":
        picture = picture.convert("RGBA")
        clear = np.asarray(picture).copy()
        clear[(clear[..., :3] > 250).all(-1), 3] = 0
        picture = Image.fromarray(clear)
    return picture.save(place, **({"quality": 95} if place.suffix.lower() in (".jpg", ".jpeg", ".webp") else {}))


def fill(folder):
    """Ten usable items, eleven that are not, and files that are not meant. Returns the names of the eleven."""
    truth, sketch = (Image.fromarray(pixels) for pixels in drawing())
    for name, how in USABLE.items():
        size = how.get("size", (300, 300))
        save(folder, "truth", name, truth.resize(size, Image.Resampling.NEAREST))
        save(folder, "sketch", name, sketch.convert("RGB").resize(how.get("sketch_size", size)))
        save(folder, "reference", name, truth.resize((200, 333)))
    for missing in ("sketch", "reference", "truth"):
        for part in {"sketch", "reference", "truth"} - {missing}:
            save(folder, part, f"no {missing}.png", truth if part != "sketch" else sketch)
    for bad in ("text", "torn", "speck", "blank", "other shape", "folder", "narrow", "secret"):
        for part, picture in (("sketch", sketch), ("reference", truth), ("truth", truth)):
            save(folder, part, f"{bad}.png", picture)
    (folder / "sketch" / "text.png").write_text("no picture")
    os.truncate(folder / "truth" / "torn.png", 400)
    Image.new("RGB", (3, 3)).save(folder / "reference" / "speck.png")
    Image.new("L", (300, 300), 255).save(folder / "sketch" / "blank.png")
    truth.resize((300, 500)).save(folder / "truth" / "other shape.png")
    (folder / "reference" / "folder.png").unlink()
    (folder / "reference" / "folder.png").mkdir()
    Image.new("RGB", (900, 20)).save(folder / "truth" / "narrow.png")
    (folder / "reference" / "secret.png").unlink()
    (folder / "reference" / "secret.png").symlink_to(folder / "nowhere.png")
    (folder / "truth" / "notes.txt").write_text("not meant")
    (folder / "truth" / ".hidden.png").write_text("not meant")
    (folder / "truth" / "more").mkdir()
    return {f"no {part}" for part in ("sketch", "reference", "truth")} | {
        "text", "torn", "speck", "blank", "other shape", "folder", "narrow", "secret",
    }  # fmt: skip


def run(command, folder, checkpoint, tmp_path):
    out = tmp_path / "report.json"
    options = ["--steps", "2", "--device", "cpu", "--checkpoint", str(checkpoint), "--grid", str(tmp_path / "grid.png")]
    assert main([*command, str(folder), "--out", str(out), *options]) == 0
    return json.loads(out.read_text())


def test_evaluate(tiny_checkpoint, tmp_path, capsys):
    folder = tmp_path / "theirs"
    bad = fill(folder)
    report = run(["evaluate", "--triples"], folder, tiny_checkpoint, tmp_path)
    assert {item["name"] for item in report["skipped"]} == bad
    assert {item["name"] for item in report["items"]} == {name.rpartition(".")[0] for name in USABLE}
    sizes = {item["name"]: item["size"] for item in report["items"]}
    assert sizes["photo"] == [400, 300] and sizes["wide"] == [640, 256] and max(sizes["large"]) == 2048
    for item in report["items"]:
        assert item["white_sketch"]["line_fidelity"] > 0.6, item["name"]
        if item["name"] not in ("photo", "print", "web"):  # flat colours are lost in JPEG
            assert item["regions"] >= 2, item["name"]
    errors = capsys.readouterr().err
    assert errors.count("skipped ") == len(bad)


def test_evaluate_edits(tiny_checkpoint, tmp_path, capsys):
    folder = tmp_path / "theirs"
    bad = fill(folder)
    names = {name.rpartition(".")[0] for name in USABLE}
    for name in names | bad:
        edited, _ = drawing(left=(40, 60, 200))
        mask = (edited != drawing()[0]).any(-1)
        save(folder, "edited", f"{name}.png", Image.fromarray(edited).resize((300, 300), Image.Resampling.NEAREST))
        save(folder, "mask", f"{name}.png", Image.fromarray(mask).resize((300, 300)))
    for name in ("photo", "wide"):  # not square
        for part in ("edited", "mask"):
            path = folder / part / f"{name}.png"
            Image.open(path).resize({"photo": (400, 300), "wide": (640, 256)}[name]).save(path)
    items = [{"name": name, "target": "blue", "anchor": "red", "attribute": name} for name in sorted(names | bad)]
    items += [{"name": "nobody", "target": "blue"}, {"name": "empty text", "target": " "}, {"name": "no text"}]
    (folder / "edits.json").write_text(json.dumps(items))
    report = run(["evaluate-edits", "--edits"], folder, tiny_checkpoint, tmp_path)
    assert {item["name"] for item in report["items"]} == names
    assert {item["name"] for item in report["skipped"]} == bad | {"nobody", "empty text", "no text"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read(tiny_checkpoint, tmp_path, capsys):
    fill(tmp_path / "theirs")
    (tmp_path / "theirs" / "truth").chmod(0)
    command = ["evaluate", "--triples", str(tmp_path / "theirs"), "--out", str(tmp_path / "r.json")]
    assert main([*command, "--checkpoint", str(tiny_checkpoint)]) == 2
    (tmp_path / "theirs" / "truth").chmod(0o700)
    assert "cannot be read" in capsys.readouterr().err
