"""`Home`: where one end of an exchange is at home, for as long as time alone changes nothing there.

States change by facts; but a deadline or a grace ends without one. Such turning points cut time into pieces, and
within a piece one moment is as good as another: there the same states always come to the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from huissier.domain.operator import Operator
from huissier.domain.rule_set import USAGERS_DOMAIN, RuleSet
from huissier.domain.trust_space import AdmittedDomain

_COURSES_REMEMBERED: Final = 20_000
_INSTANT: Final = timedelta(microseconds=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


class Home(Struct, frozen=True, cache_hash=True, gc=False):
    """A domain and who runs it, under a rule set.

    `name` is None where the address could not be read. `at` is as good as the message's time: the first moment from
    which on nothing has changed here.
    """

    name: str | None
    domain: AdmittedDomain
    operator: Operator
    usager: bool
    rules: RuleSet
    at: datetime


class Course(NamedTuple):
    """A home from each of the moments on at which time may change something there, if no fact does."""

    since: tuple[datetime, ...]
    homes: tuple[Home, ...]

    def as_of(self, moment: datetime) -> Home:
        """Return the home as it is at a moment."""
        return self.homes[bisect_right(self.since, moment) - 1]


@lru_cache(maxsize=_COURSES_REMEMBERED)
def course(name: str | None, domain: AdmittedDomain, operator: Operator, rules: RuleSet) -> Course:
    """Return what time makes of a home whose states stay as they are."""
    usager = name == USAGERS_DOMAIN or operator.kind == "usager"
    points = (rules.commitment_deadline, *domain.turning_points(rules), *operator.turning_points())
    since = tuple(sorted({_FIRST, *_with_next_instants(points)}))
    return Course(since, tuple(Home(name, domain, operator, usager, rules, moment) for moment in since))


def _with_next_instants(points: Iterable[datetime]) -> Iterator[datetime]:
    """Yield turning points and what comes right after: some things end with theirs, others only then."""
    for point in points:
        yield point
        if point < _LAST:
            yield point + _INSTANT
