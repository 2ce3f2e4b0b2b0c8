"""Tables that pages have from the code, each between markers of its own."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

NONE: Final = "—"

Tables = Mapping[str, Callable[[], str]]


def filled(page: str, tables: Tables) -> str:
    """Return the page with each table between its markers as the code has it now."""
    for name, written in tables.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"the page has the markers {begin} and {end} once each")
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{written()}\n{end}{after}"
    return page


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
