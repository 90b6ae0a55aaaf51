"""Fonts for figures whose texts may be in any language: matplotlib's own knows no Chinese, Japanese or Korean."""

from functools import cache

from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.table import Cell
from matplotlib.text import Text

OWN = "DejaVu Sans"  # comes with matplotlib
FIRST_EAST_ASIAN = "\u2e80"
EAST_ASIAN = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "MS Gothic",
    "Noto Sans CJK SC",
    "Noto Sans CJK KR",
)


def use_installed_fonts(figure: Figure) -> None:
    """Every text with East Asian letters gets the fonts on this machine that have them."""
    cells = figure.findobj(Cell)  # whose texts are not found by themselves
    for text in [*figure.findobj(Text), *(cell.get_text() for cell in cells)]:
        if any(letter >= FIRST_EAST_ASIAN for letter in text.get_text()):
            # The own one last: when matplotlib measures a text for a PDF, it asks the first font only.
            text.set_fontfamily([*east_asian_fonts(), OWN])


@cache
def east_asian_fonts() -> tuple[str, ...]:
    """What there is, in the order of preference."""
    installed = {font.name for font in fontManager.ttflist}
    return tuple(name for name in EAST_ASIAN if name in installed)
