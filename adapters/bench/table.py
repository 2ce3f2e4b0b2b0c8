"""Figures for the eye."""

from collections.abc import Sequence


def as_table(rows: Sequence[Sequence[str]]) -> str:
    """Line up rows of a name, three numbers and further words."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_lined_up(row, widths) for row in rows)


def short(value: float) -> str:
    """Write a number with three significant digits, or all digits of a larger whole number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _lined_up(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if 1 <= place <= 3 else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
