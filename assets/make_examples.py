"""Make the example pairs of assets/examples, assets/examples.json and assets/LICENSES.md.

    python assets/make_examples.py

DiceBear heads are drawn by dicebear-core, dicebear-styles and resvg_py. The other pictures come from Debian's packages
openclipart-svg, renpy-thequestion and renpy-demo, which must be installed (or unpacked under another --root).
"""

import argparse
import json
import re
import sys
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from dicebear import Avatar, Style
from PIL import Image

ASSETS = Path(__file__).parent
sys.path.insert(0, str(ASSETS.parent))

from colorizer.data.clipart import is_ink  # noqa: E402
from colorizer.data.layers import colours_of, recolour, render  # noqa: E402
from colorizer.lineart import extract_lines  # noqa: E402

SIDE = 512
CLIPART = "usr/share/openclipart/svg"
GAMES = "usr/share/games/renpy"
QUESTION_GAME, DEMO = "Ren'Py, the game “The Question”", "Ren'Py, the demo"
SPRITES = {"sylvie": ("Deji", QUESTION_GAME), "eileen": ("Piroshki", DEMO), "lucy": ("Mugenjohncel", DEMO)}


@dataclass(frozen=True)
class Head:
    """A DiceBear head. parts: component -> variant (parts that a style may lack are left out if not named)."""

    style: str
    parts: dict
    colours: dict = field(default_factory=dict)
    ground: str = "white"
    extracted: bool = False  # for a style that has hardly any outlines: its sketch is what line extraction finds

    def svg(self, root: Path) -> str:
        definition = _definition(self.style)
        options = {"seed": "example"}
        for component in definition["components"]:
            options[f"{component}Variant"] = [self.parts[component]] if component in self.parts else []
            options[f"{component}Probability"] = 100 * (component in self.parts)
        return str(Avatar(Style(definition), options | {f"{name}Color": [c] for name, c in self.colours.items()}))

    def picture(self, root: Path) -> Image.Image:
        return _on(self.ground, render(self.svg(root), SIDE))

    def sketch(self, root: Path) -> Image.Image:
        return extract_lines(self.picture(root)) if self.extracted else _line_art(self.svg(root))

    def credit(self, root: Path) -> tuple[str, str, str]:
        meta = _definition(self.style)["meta"]
        return meta["creator"]["name"], _link(meta["license"]), f"DiceBear style {self.style}, {_link(meta['source'])}"


@dataclass(frozen=True)
class ClipArt:
    """A drawing of Open Clip Art; its sketch is the drawing with every fill made white."""

    path: str
    ground: str = "white"

    def svg(self, root: Path) -> str:
        return (root / CLIPART / self.path).read_text("utf-8")

    def picture(self, root: Path) -> Image.Image:
        return _on(self.ground, render(self.svg(root), SIDE - 32))

    def sketch(self, root: Path) -> Image.Image:
        return _line_art(self.svg(root), SIDE - 32)

    def credit(self, root: Path) -> tuple[str, str, str]:
        author = re.search(r"<dc:creator>.*?<dc:title>([^<]+)", self.svg(root), re.DOTALL)[1].strip()
        return author, "public domain", f"Open Clip Art, Debian openclipart-svg: {self.path}"


@dataclass(frozen=True)
class Sprite:
    """A character of a Ren'Py game, cut to a box; its sketch is what line extraction finds."""

    path: str
    box: tuple[int, int, int, int]
    ground: str = "white"

    def picture(self, root: Path) -> Image.Image:
        sprite = Image.open(root / GAMES / self.path).convert("RGBA").crop(self.box)
        ground = Image.new("RGB", sprite.size, self.ground)
        ground.paste(sprite, mask=sprite)
        return ground

    def sketch(self, root: Path) -> Image.Image:
        return extract_lines(self.picture(root))

    def credit(self, root: Path) -> tuple[str, str, str]:
        author, game = SPRITES[Path(self.path).name.split()[0]]
        return author, "MIT", f"{game}: {Path(self.path).name}"


def _definition(style: str) -> dict:
    return json.loads(files("dicebear_styles").joinpath(f"{style}.json").read_text("utf-8"))


def _link(entry: dict) -> str:
    return f"[{entry['name']}]({entry['url']})"


def _on(ground: str, rgba) -> Image.Image:
    drawing = Image.fromarray(rgba)
    picture = Image.new("RGB", (SIDE, SIDE), ground)
    margin = (SIDE - drawing.width) // 2
    picture.paste(drawing, (margin, margin), drawing)
    return picture


def _line_art(svg: str, side: int = SIDE) -> Image.Image:
    whitened = recolour(svg, {colour: colour if is_ink(colour) else "#ffffff" for colour in colours_of(svg)})
    return _on("white", render(whitened, side)).convert("L")


BRIGHT = {"hair": "#f0c040", "skin": "#f2d3b1", "eyes": "#3070e0", "glasses": "#000000"}
SYLVIE_BLUE = "the_question/game/images/sylvie blue {}.png"
SYLVIE_GREEN = "the_question/game/images/sylvie green {}.png"

EXAMPLES = {
    "flowing-hair": (
        "Flowing hair",
        Head(
            "adventurer",
            dict(head="default", hair="long09", eyes="variant23", eyebrows="variant10", mouth="variant27"),
            BRIGHT,
        ),
        Head(
            "adventurer",
            dict(head="default", hair="long04", eyes="variant15", eyebrows="variant12", mouth="variant26"),
            dict(hair="#12a5a0", skin="#f2d3b1", eyes="#5a2a82"),
            "#ff9f80",
        ),
    ),
    "hair-buns": (
        "Hair buns and glasses",
        Head(
            "adventurer",
            dict(
                head="default",
                hair="long13",
                eyes="variant26",
                eyebrows="variant07",
                mouth="variant26",
                glasses="variant02",
            ),
            BRIGHT,
        ),
        Head(
            "adventurer",
            dict(head="default", hair="long08", eyes="variant15", eyebrows="variant12", mouth="variant26"),
            dict(hair="#7b2fbf", skin="#ecad80", eyes="#1f7a3d"),
            "#ffe680",
        ),
    ),
    "flower-crown": (
        "Flower crown",
        Head(
            "adventurer",
            dict(head="default", hair="long08", eyes="variant23", eyebrows="variant10", mouth="variant25"),
            BRIGHT,
        ),
        Head(
            "adventurer",
            dict(head="default", hair="long17", eyes="variant26", eyebrows="variant10", mouth="variant26"),
            dict(hair="#e8413c", skin="#9e5622", eyes="#1a5fb4"),
            "#9ee0d8",
        ),
    ),
    "wavy-hair": (
        "Wavy hair and dress",
        Head(
            "toon-head",
            dict(
                rearHair="longWavy",
                body="body",
                head="head",
                clothes="dress",
                mouth="laugh",
                eyes="happy",
                eyebrows="raised",
                hair="sideComed",
            ),
            dict(hair="#d6b370", skin="#f1c3a5", clothes="#ec4899"),
            extracted=True,
        ),
        Head(
            "toon-head",
            dict(
                rearHair="shoulderHigh",
                body="body",
                head="head",
                clothes="openJacket",
                mouth="smile",
                eyes="wide",
                eyebrows="happy",
                hair="bun",
            ),
            dict(hair="#2f6fde", skin="#c68e7a", clothes="#f97316"),
            "#fff0b8",
        ),
    ),
    "round-glasses": (
        "Round glasses",
        Head(
            "micah",
            dict(
                head="standard",
                mouth="laughing",
                eyebrows="up",
                hair="full",
                eyes="eyes",
                glasses="round",
                nose="curve",
                ears="detached",
                clothes="collared",
            ),
            dict(base="#f9c9b6", hair="#f4d150", shirt="#6bd9e9", glasses="#000000"),
        ),
        Head(
            "micah",
            dict(
                head="standard",
                mouth="smile",
                eyebrows="up",
                hair="pixie",
                eyes="eyes",
                nose="curve",
                ears="detached",
                earrings="hoop",
                clothes="crew",
            ),
            dict(base="#ac6651", hair="#fc5f8a", shirt="#3fb87f", earring="#f4d150"),
            "#e0ddff",
        ),
    ),
    "hair-bun": (
        "Hair bun",
        Head(
            "open-peeps",
            dict(head="grayBun", expression="cute"),
            dict(headContrast="#f59797", skin="#ffdbb4", clothing="#ffcf77"),
        ),
        Head(
            "open-peeps",
            dict(head="grayMedium", expression="smile"),
            dict(headContrast="#2a9d8f", skin="#d08b5b", clothing="#e63946"),
            "#cfe8ff",
        ),
    ),
    "teddy-bear": (
        "Teddy bear",
        ClipArt("recreation/toys/simple_teddy_bear_with__01.svg"),
        ClipArt("food/desserts/cone4_ganson.svg"),
    ),
    "tulips": (
        "Tulips",
        ClipArt("plants/flowers/tulips_ganson.svg"),
        ClipArt("plants/flowers/flowers_jonathan_dietric_01.svg", "#cfe8ff"),
    ),
    "sailing": (
        "Children sailing",
        ClipArt("people/sailing_kids.svg"),
        ClipArt("recreation/party/pacco_regalo_architetto__01.svg"),
    ),
    "reading": (
        "Woman reading",
        ClipArt("people/woman_reading_gerald_g._01.svg"),
        ClipArt("people/woman_fashion_01_gerald__01.svg"),
    ),
    "goat": (
        "Goat",
        ClipArt("animals/mammals/goat_nicu_buculei_01.svg"),
        ClipArt("animals/rana01_architetto_france_01.svg"),
    ),
    "hamburger": (
        "Hamburger",
        ClipArt("food/meats_and_eggs/hamburger_ganson.svg"),
        ClipArt("food/fruit/watermelon_simple.svg", "#fff3c4"),
    ),
    "sylvie": (
        "Sylvie",
        Sprite(SYLVIE_GREEN.format("smile"), (20, 0, 420, 400)),
        Sprite("demo/game/images/eileen happy.png", (0, 0, 320, 400)),
    ),
    "eileen": (
        "Eileen",
        Sprite("demo/game/images/eileen vhappy.png", (0, 0, 320, 420)),
        Sprite(SYLVIE_GREEN.format("normal"), (20, 0, 420, 440)),
    ),
    "lucy": (
        "Lucy",
        Sprite("demo/game/images/lucy happy.png", (20, 40, 400, 460)),
        Sprite(SYLVIE_BLUE.format("normal"), (0, 0, 334, 400)),
    ),
    "full-figure": (
        "Full figure",
        Sprite(SYLVIE_BLUE.format("smile"), (0, 0, 334, 700)),
        Sprite("demo/game/images/lucy happy.png", (20, 40, 400, 720)),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the Debian packages are installed")
    root = parser.parse_args().root
    folder = ASSETS / "examples"
    folder.mkdir(exist_ok=True)
    entries, credits = [], []
    for name, (title, sketch, reference) in EXAMPLES.items():
        sketch_name, reference_name = f"examples/{name}-sketch.png", f"examples/{name}-reference.jpg"
        sketch.sketch(root).save(ASSETS / sketch_name, optimize=True)
        reference.picture(root).save(ASSETS / reference_name, quality=92, subsampling=0, optimize=True)
        entries.append({"title": title, "sketch": sketch_name, "reference": reference_name})
        credits += [(sketch_name, *sketch.credit(root)), (reference_name, *reference.credit(root))]
    (ASSETS / "examples.json").write_text(json.dumps(entries, indent=2) + "\n", "utf-8")
    rows = "\n".join(f"| {' | '.join(row)} |" for row in credits)
    (ASSETS / "LICENSES.md").write_text(LICENSES.format(rows=rows), "utf-8")


LICENSES = """# Where the pictures in this folder come from

Made by `make_examples.py`. Heads: parts and colours chosen, and for the sketches every colour but the ink made white
(toon-head: reduced to the lines).
Open Clip Art: for the sketches every fill made white. Characters: cut, and for the sketches reduced to their lines.

| file | author | licence | source |
| --- | --- | --- | --- |
{rows}

`favicon.png` is this project's own. `screenshot.png` and `degree.jpg` show examples of the table; `mini-samples.jpg`
shows drawings of the held-out benchmark: DiceBear styles adventurer (Lisa Wischofsky), ToonHead (Johan Melin) and
Avatar Illustration System (Micah Lanier), all CC BY 4.0 and recoloured, Open Peeps (Pablo Stanley, CC0), and Open
Clip Art (public domain).

Ren'Py's games are © 2004-2022 Tom Rothamel and their artists, under the MIT licence:

> Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
> documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
> rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
> persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice
> and this permission notice shall be included in all copies or substantial portions of the Software. The software is
> provided "as is", without warranty of any kind, express or implied, including but not limited to the warranties of
> merchantability, fitness for a particular purpose and noninfringement. In no event shall the authors or copyright
> holders be liable for any claim, damages or other liability, whether in an action of contract, tort or otherwise,
> arising from, out of or in connection with the software or the use or other dealings in the software.
"""


if __name__ == "__main__":
    main()
