"""Records as files for other programs: CSV, one file a table, and JSON Lines, one object a row."""

import csv
import io
import json
import zipfile
from pathlib import Path

from colorizer.errors import UserError
from colorizer.study.records import Records

FORMATS = ("csv", "jsonl")
# A spreadsheet runs a cell that begins with one of these as a formula; the last four are their full-width forms.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def export(records: Records, kind: str) -> dict[str, str]:
    """File name -> content. kind: one of FORMATS; tables without rows are left out."""
    if kind not in FORMATS:
        raise UserError(f"The format is {kind!r}; choose one of {', '.join(FORMATS)}.")
    write = {"csv": _csv, "jsonl": _json_lines}[kind]
    return {f"{name}.{kind}": write(rows) for name, rows in records.tables.items() if rows}


def export_zip(records: Records, kind: str) -> bytes:
    """The same in one ZIP file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in export(records, kind).items():
            archive.writestr(name, content)
    return target.getvalue()


def export_to_folder(records: Records, kind: str, folder: Path) -> list[Path]:
    """The same as files in a folder, which is made; returns their paths. Raises UserError."""
    contents = export(records, kind)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"Cannot write to {folder}: {error.strerror}; choose another folder.") from error
    return [folder / name for name in contents]


def defuse(cell: str) -> str:
    """The same text, with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _csv(rows: list[dict]) -> str:
    target = io.StringIO()
    writer = csv.DictWriter(target, rows[0].keys())
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return target.getvalue()


def _cell(value):
    if isinstance(value, str):
        return defuse(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value


def _json_lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
