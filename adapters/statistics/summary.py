"""Totals of exchanges by domain, with the months between the first and the last that had none."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from msgspec import Struct

from huissier.projections.exchanges import Totals
from huissier.projections.months import next_month

_LONGEST_GAP: Final = 24  # a message may have any time, also by mistake
GAP: Final = f"no messages for more than {_LONGEST_GAP} months"


class Summary(Struct, frozen=True):
    """A domain's totals month by month; None stands for a `GAP`."""

    domain: str
    months: tuple[Totals | None, ...]

    @property
    def messages(self) -> list[int | None]:
        """How many messages were decided in each month, counted once per recipient."""
        return [None if totals is None else totals.accepted + totals.refused for totals in self.months]


def summaries(totals: Iterable[Totals]) -> list[Summary]:
    """Return one summary per domain from totals in the order of domains and months."""
    return [Summary(domain, tuple(_filled(months))) for domain, months in groupby(totals, lambda t: t.domain)]


def written_month(month: int) -> str:
    """Return a month (AAAAMM) as people read it."""
    return f"{month // 100:04}-{month % 100:02}"


def _filled(months: Iterable[Totals]) -> Iterator[Totals | None]:
    due = None
    for totals in months:
        if due is not None:
            yield from _empty(totals.domain, due, totals.month)
        yield totals
        due = next_month(totals.month)


def _empty(domain: str, month: int, end: int) -> list[Totals] | list[None]:
    """Return the months from one on and before another as months without messages, or as a gap."""
    found: list[Totals] = []
    while month < end:
        if len(found) == _LONGEST_GAP:
            return [None]
        found.append(Totals(domain, month, 0, 0, 0, 0))
        month = next_month(month)
    return found
