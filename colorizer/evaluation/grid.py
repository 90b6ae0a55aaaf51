"""A picture to look at: one row an item, such as sketch | reference | result | truth."""

from PIL import Image, ImageOps

from colorizer.evaluation.triples import Triple


class Grid:
    """Collects the first `rows` items; `picture()` is their grid, None when there are none."""

    def __init__(self, rows: int = 40, cell: int = 256):
        """cell: side of a picture in pixels; pictures of another shape are padded with white."""
        self.rows = rows
        self.cell = cell
        self._lines: list[list[Image.Image]] = []

    def add(self, triple: Triple, result: Image.Image) -> None:
        self.add_row(triple.sketch, triple.reference, result, triple.truth)

    def add_row(self, *pictures: Image.Image) -> None:
        """Rows of one grid have the same number of pictures."""
        if len(self._lines) < self.rows:
            self._lines.append([ImageOps.pad(p.convert("RGB"), (self.cell,) * 2, color="white") for p in pictures])

    def picture(self) -> Image.Image | None:
        if not self._lines:
            return None
        grid = Image.new("RGB", (len(self._lines[0]) * self.cell, len(self._lines) * self.cell), "white")
        for row, line in enumerate(self._lines):
            for column, picture in enumerate(line):
                grid.paste(picture, (column * self.cell, row * self.cell))
        return grid
