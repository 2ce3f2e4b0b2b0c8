"""Cells for spreadsheets, which take some texts for formulas and run them."""

import re
from typing import Final

# At a cell's beginning, and behind a semicolon, which every French Excel takes for a separator.
_FORMULA: Final = re.compile(r"""(?:^|(?<=;))(?=[\s"]*[=+\-@＝＋－＠])""")


def harmless(cell: str) -> str:
    """Return a cell's text with an apostrophe before what a spreadsheet would run."""
    return _FORMULA.sub("'", cell)
