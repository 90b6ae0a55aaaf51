"""Sketch preparation, shown on one drawing in the many forms that people bring it in."""

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw
from scipy import ndimage

from colorizer.cli import main
from colorizer.errors import UserError
from colorizer.lineart import classify_sketch, extract_lines, has_lines, load_sketch, prepare_sketch, read_line_art

SIDE = 400


def drawing(paper="white", line="black", fills=("white", "white", "white"), width=4):
    """A face with hair and a mouth, outlines and fills; mode "RGB"."""
    picture = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(picture)
    hair, skin, shirt = fills
    draw.polygon([(60, 395), (120, 310), (280, 310), (340, 395)], fill=shirt, outline=line, width=width)
    draw.ellipse((80, 30, 320, 340), fill=hair, outline=line, width=width)
    draw.ellipse((115, 90, 285, 310), fill=skin, outline=line, width=width)
    draw.ellipse((150, 170, 180, 200), outline=line, width=width)
    draw.ellipse((220, 170, 250, 200), outline=line, width=width)
    draw.arc((160, 210, 240, 270), 20, 160, fill=line, width=width)
    return picture


def ink():
    """The drawing's lines as opacity, uint8 (H, W)."""
    return 255 - np.asarray(drawing().convert("L"))


def uneven_paper(tint, seed=0, grain=3):
    """Paper under a lamp, with grain: float (H, W, 3), 0 to 255."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    light = 1 - 0.4 * np.hypot(columns - 0.2, rows - 0.1)
    return np.array(tint) * light[..., None] + np.random.default_rng(seed).normal(0, grain, (SIDE, SIDE, 1))


def scan():
    """Grey pencil on off-white, unevenly lit paper."""
    opacity = ndimage.gaussian_filter(ink() / 255, 0.7)[..., None]
    return Image.fromarray(np.clip(uneven_paper((245, 240, 225)) * (1 - 0.6 * opacity), 0, 255).astype(np.uint8))


def photo(pencil, exposure, shade=1.0):
    """Pencil on paper under a lamp, photographed, with the shade of a hand over a corner."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    shadow = 1 - (1 - shade) * ndimage.gaussian_filter((0.8 * columns + rows > 0.75).astype(float), 14)
    opacity = ndimage.gaussian_filter(ink() / 255, 0.8)
    light = uneven_paper((238, 230, 210), grain=0) * ((1 - pencil * opacity) * shadow * exposure)[..., None]
    grain = np.random.default_rng(0).normal(0, 4, light.shape)
    return Image.fromarray(np.clip(light + grain, 0, 255).astype(np.uint8))


def strokes(colour):
    """The lines alone, on transparent ground."""
    picture = Image.new("RGBA", (SIDE, SIDE), colour)
    picture.putalpha(Image.fromarray(ink()))
    return picture


def painting():
    return drawing("#cfe3f0", "#3a2030", ("#b03020", "#f3c9a5", "#3050a0"))


def landscape():
    """Hills under a sky, with the texture of a photograph."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    picture = np.stack([120 + 60 * rows, 160 + 40 * rows, 230 - 30 * rows], axis=-1)
    picture[rows > 0.55 + 0.1 * np.sin(7 * columns)] = (60, 110, 50)
    picture[rows > 0.8 + 0.05 * np.sin(11 * columns)] = (120, 90, 60)
    texture = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 2)[..., None] * 150
    return Image.fromarray(np.clip(picture + texture, 0, 255).astype(np.uint8))


def agreement(sketch):
    """Correlation of a sketch's lines with the drawing's own, one pixel of play."""
    expected = ndimage.gaussian_filter(ink() / 255.0, 1.5)
    found = ndimage.gaussian_filter(1 - np.asarray(sketch) / 255.0, 1.5)
    return np.corrcoef(expected.ravel(), found.ravel())[0, 1]


DRAWINGS = {
    "black on white": (drawing, "as-is"),
    "thin grey lines": (lambda: drawing(line="#b8b8b8", width=2), "as-is"),
    "pencil scan": (scan, "as-is"),
    "faint pencil": (lambda: photo(0.25, 1), "as-is"),
    "pencil in a hand's shadow": (lambda: photo(0.5, 1, shade=0.55), "as-is"),
    "pencil in poor light": (lambda: photo(0.5, 0.38), "as-is"),
    "blue on white": (lambda: drawing(line="#4080ff"), "as-is"),
    "yellow on white": (lambda: drawing(line="#ffee40"), "as-is"),
    "red on cream": (lambda: drawing("#fff4dc", "#c03030", ("#fff4dc",) * 3), "as-is"),
    "black on kraft paper": (lambda: drawing("#c49a6c", "black", ("#c49a6c",) * 3), "as-is"),
    "white on black": (lambda: drawing("black", "white", ("black",) * 3), "invert"),
    "blueprint": (lambda: drawing("#0c3399", "white", ("#0c3399",) * 3), "invert"),
    "yellow chalk on green": (lambda: drawing("#264d38", "#ffee99", ("#264d38",) * 3), "invert"),
    "painting": (painting, "extract"),
    "colours on white": (lambda: drawing("white", "black", ("#b03020", "#f3c9a5", "#3050a0")), "extract"),
    "grey painting": (lambda: painting().convert("L").convert("RGB"), "extract"),
    "dark painting": (lambda: drawing("#181830", "black", ("#101018", "#604838", "#203020")), "extract"),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_classification_and_lines(name):
    make, mode = DRAWINGS[name]
    picture = make()
    assert classify_sketch(picture) == mode
    sketch = prepare_sketch(picture)
    assert (sketch.mode, sketch.size) == ("L", picture.size)
    assert has_lines(sketch)
    assert agreement(sketch) > (0.8 if mode == "extract" else 0.9)
    grey = np.asarray(sketch)
    assert np.median(grey) == 255, "the ground is white"
    assert np.quantile(grey[ink() > 0], 0.2) < 128, "the lines are dark"


@pytest.mark.parametrize("side", [150, 1200])
@pytest.mark.parametrize("name", ["black on white", "pencil scan", "white on black", "painting"])
def test_classification_does_not_depend_on_size(name, side):
    make, mode = DRAWINGS[name]
    assert classify_sketch(make().resize((side, side), Image.Resampling.LANCZOS)) == mode


def test_photograph_is_extracted():
    assert classify_sketch(landscape()) == "extract"


def test_black_areas_do_not_make_a_painting():
    inked = drawing(fills=("black", "white", "white"))
    assert classify_sketch(inked) == "as-is"
    assert prepare_sketch(inked).getpixel((200, 50)) == 0


@pytest.mark.parametrize("colour", ["white", "#ffff60", "#ffd0e0", "black", "blue", "#808080"])
def test_lines_of_any_colour_on_transparent_ground(colour):
    picture = read_line_art(strokes(colour))
    assert classify_sketch(picture) == "as-is"
    sketch = prepare_sketch(picture)
    assert agreement(sketch) > 0.97
    assert np.asarray(sketch)[ink() > 250].max() < 70


def test_painted_white_covers_lines():
    """White paint over dark strokes is an eraser, not a line."""
    picture = strokes("black")
    ImageDraw.Draw(picture).rectangle((0, 320, 399, 399), fill="white")
    assert np.asarray(prepare_sketch(read_line_art(picture)))[330:].min() > 250


def test_figure_cut_out_of_its_ground():
    figure = painting()
    ground = ImageChops.difference(figure, Image.new("RGB", figure.size, "#cfe3f0")).convert("L")
    figure.putalpha(ground.point(lambda level: 255 * (level > 0)))
    assert classify_sketch(read_line_art(figure)) == "extract"


def test_clean_line_art_is_unchanged():
    grey = drawing().resize((300, 300), Image.Resampling.LANCZOS).convert("L")
    assert prepare_sketch(grey.convert("RGB"), "as-is").tobytes() == grey.tobytes()


def test_invert_twice_is_as_is():
    white_on_black = ImageChops.invert(drawing())
    assert prepare_sketch(white_on_black, "invert").tobytes() == prepare_sketch(drawing(), "as-is").tobytes()


def test_paper_of_a_scan_becomes_white():
    sketch = np.asarray(prepare_sketch(scan()))
    bare = ndimage.maximum_filter(ink(), 9) == 0
    assert np.quantile(sketch[bare], 0.02) > 235
    assert sketch[bare].min() > 192


def test_extraction_leaves_dark_areas_white():
    night = drawing("#101018", "#000000", ("#1c1c40", "#402820", "#102814"))
    sketch = np.asarray(extract_lines(night))
    assert sketch[60, 200] > 230 and sketch[370, 200] > 230 and sketch[10, 10] > 230


def test_extraction_draws_an_edge_without_a_line():
    halves = Image.new("RGB", (200, 200), "#f0c8a0")
    halves.paste("#803020", (100, 0, 200, 200))
    sketch = np.asarray(extract_lines(halves))[100]
    assert sketch[95:106].min() < 100
    assert sketch[:90].min() == sketch[110:].min() == 255


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (200, 200), "white"),
        Image.new("RGB", (200, 200), "black"),
        Image.new("RGB", (200, 200), "#d8c8b0"),
        Image.new("RGB", (200, 200), "red"),
        Image.new("RGB", (17, 120), "white"),
    ],
    ids=["white", "black", "cream", "red", "tiny"],
)
@pytest.mark.parametrize("mode", ["auto", "as-is", "invert", "extract"])
def test_blank_pictures_have_no_lines(picture, mode):
    assert not has_lines(prepare_sketch(picture, mode))


@pytest.mark.parametrize("seed", range(3))
def test_bare_paper_has_no_lines(seed):
    paper = Image.fromarray(np.clip(uneven_paper((230, 225, 205), seed), 0, 255).astype(np.uint8))
    assert classify_sketch(paper) == "as-is"
    assert not has_lines(prepare_sketch(paper))


def test_one_small_mark_counts_as_a_line():
    picture = Image.new("RGB", (1000, 1000), "white")
    ImageDraw.Draw(picture).ellipse((450, 450, 550, 550), outline="black", width=2)
    assert has_lines(prepare_sketch(picture))


def test_unknown_mode():
    with pytest.raises(UserError, match="choose one of"):
        prepare_sketch(drawing(), "sharpen")


# Command line


def test_command_writes_one_sketch(tmp_path):
    painting().save(tmp_path / "painting.jpg")
    assert main(["sketch", str(tmp_path / "painting.jpg"), str(tmp_path / "lines.png")]) == 0
    assert agreement(Image.open(tmp_path / "lines.png")) > 0.8


def test_command_takes_a_folder_and_lists_bad_files(tmp_path, capsys):
    pictures, sketches = tmp_path / "in", tmp_path / "out"
    pictures.mkdir()
    drawing().save(pictures / "a.png")
    painting().save(pictures / "a.jpg")
    strokes("white").save(pictures / "b.webp", lossless=True)
    (pictures / "notes.txt").write_text("not a picture")
    Image.new("RGB", (64, 64), "white").save(pictures / "blank.png")
    assert main(["sketch", str(pictures), str(sketches)]) == 1
    assert sorted(path.name for path in sketches.iterdir()) == ["a.jpg.png", "a.png.png", "b.png"]
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert "blank.png: No lines" in errors[0] and "notes.txt: This is not" in errors[1]


def test_command_mode(tmp_path):
    drawing("black", "white", ("black",) * 3).save(tmp_path / "night.png")
    assert main(["sketch", str(tmp_path / "night.png"), str(tmp_path / "day.png"), "--mode", "invert"]) == 0
    assert agreement(Image.open(tmp_path / "day.png")) > 0.97


@pytest.mark.parametrize("target", ["face.png", "face.gif", "nowhere/face.png"])
def test_command_refuses_unusable_targets(tmp_path, target, capsys):
    drawing().save(tmp_path / "face.png")
    assert main(["sketch", str(tmp_path / "face.png"), str(tmp_path / target)]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_command_names_a_missing_picture(tmp_path, capsys):
    drawing().save(tmp_path / "lines.png")  # of an earlier run
    assert main(["sketch", str(tmp_path / "missing.png"), str(tmp_path / "lines.png")]) == 2
    assert "missing.png" in capsys.readouterr().err


def test_load_sketch_refuses_a_blank_picture():
    assert load_sketch(drawing()).mode == "L"
    with pytest.raises(UserError, match="no lines"):
        load_sketch(Image.new("RGB", (64, 64), "white"))
