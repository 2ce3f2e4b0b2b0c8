"""Totals of exchanges by domain, with the months between the first and the last that had none."""

from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct

from huissier.projections.exchanges import Totals
from huissier.projections.months import next_month


class Summary(Struct, frozen=True):
    """A domain's totals, month by month without a gap."""

    domain: str
    months: tuple[Totals, ...]

    @property
    def messages(self) -> list[int]:
        """How many messages were decided in each month, one counted a recipient."""
        return [totals.accepted + totals.refused for totals in self.months]


def summaries(totals: Iterable[Totals]) -> list[Summary]:
    """Return one summary a domain from totals in the order of domains and months."""
    return [Summary(domain, _without_gaps(list(months))) for domain, months in groupby(totals, lambda t: t.domain)]


def written_month(month: int) -> str:
    """Return a month (AAAAMM) as people read it."""
    return f"{month // 100:04}-{month % 100:02}"


def _without_gaps(months: list[Totals]) -> tuple[Totals, ...]:
    by_month = {totals.month: totals for totals in months}
    month, last, domain = months[0].month, months[-1].month, months[0].domain
    filled = []
    while month <= last:
        filled.append(by_month.get(month) or Totals(domain, month, 0, 0, 0, 0))
        month = next_month(month)
    return tuple(filled)
