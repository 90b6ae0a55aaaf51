"""A study to begin with: it runs as it is, with the bundled model and example pictures."""

import shutil
import tomllib
from pathlib import Path

from colorizer.errors import UserError
from colorizer.study.protocol import FILE

TEMPLATE = Path(__file__).parent / "example" / FILE
ASSETS = Path(__file__).parents[2] / "assets"


def write_example(folder: Path) -> Path:
    """Write `study.toml` and its pictures into `folder`; returns the file. Raises UserError if there is one already."""
    target = folder / FILE
    if target.exists():
        raise UserError(f"There already is a {target}; choose another folder.")
    template = TEMPLATE.read_text(encoding="utf-8")
    values = tomllib.loads(template)
    pictures = [Path(item[kind]) for item in values["stimuli"] + values["practice"] for kind in ("sketch", "reference")]
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        for picture in pictures:
            shutil.copyfile(ASSETS / "examples" / picture.name, folder / picture)
        shutil.copyfile(ASSETS / "LICENSES.md", folder / "pictures" / "LICENSES.md")
        target.write_text(template, encoding="utf-8")
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}; choose another folder.") from error
    return target
