"""`Home`: where one end of an exchange is at home, for as long as time alone changes nothing there.

States change by facts; but a deadline or a grace ends without one. Such turning points cut time into pieces, and within
a piece the same states give the same result at every moment.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from huissier.domain.facts import Facts
from huissier.domain.operator import UNKNOWN as NO_OPERATOR
from huissier.domain.operator import Operator
from huissier.domain.rule_set import USAGERS_DOMAIN, RuleSet
from huissier.domain.trust_space import UNKNOWN as NO_DOMAIN
from huissier.domain.trust_space import AdmittedDomain
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.times import FIRST, LAST

_COURSES_REMEMBERED: Final = 20_000
_INSTANT: Final = timedelta(microseconds=1)


class Home(Struct, frozen=True, cache_hash=True, gc=False):
    """A domain and who runs it, under a rule set.

    `name` is None where the address could not be read. `at` stands for the message's time: the first moment of the
    piece of time in which that lies.
    """

    name: str | None
    domain: AdmittedDomain
    operator: Operator
    usager: bool
    rules: RuleSet
    at: datetime


class Course(NamedTuple):
    """The successive states of a home: one per moment at which time alone may change it."""

    since: tuple[datetime, ...]
    homes: tuple[Home, ...]

    def as_of(self, moment: datetime) -> Home:
        """Return the home as it is at a moment."""
        return self.homes[bisect_right(self.since, moment) - 1]


class Homes:
    """Homes by name, time and rules, on facts that stay as they are, so that many messages look for each only once."""

    def __init__(self, facts: Facts) -> None:
        """Look for them in facts."""
        self._facts = facts
        self._found: dict[tuple[str, datetime, RuleSet], Home] = {}

    def of(self, address: MailboxAddress, at: datetime, rules: RuleSet) -> Home:
        """Return where an address is at home at a time."""
        sought = (address.domain, at, rules)
        home = self._found.get(sought)
        if home is None:
            home = self._found[sought] = self._look_for(*sought)
        return home

    def forget(self) -> None:
        """Look again, since there is a new fact about a domain or an operator."""
        self._found.clear()

    def _look_for(self, name: str, at: datetime, rules: RuleSet) -> Home:
        domain = self._facts.domain(name).as_of(at)
        operator = NO_OPERATOR if domain.operator is None else self._facts.operator(domain.operator).as_of(at)
        return course(name, domain, operator, rules).as_of(at)


def nowhere(at: datetime, rules: RuleSet) -> Home:
    """Return the home of an address that could not be read."""
    return course(None, NO_DOMAIN, NO_OPERATOR, rules).as_of(at)


@lru_cache(maxsize=_COURSES_REMEMBERED)
def course(name: str | None, domain: AdmittedDomain, operator: Operator, rules: RuleSet) -> Course:
    """Return the course of a home while no fact changes its domain or operator."""
    usager = name == USAGERS_DOMAIN or operator.kind == "usager"
    points = (rules.commitment_deadline, *domain.turning_points(rules), *operator.turning_points())
    since = tuple(sorted({FIRST, *_with_next_instants(points)}))
    return Course(since, tuple(Home(name, domain, operator, usager, rules, moment) for moment in since))


def _with_next_instants(points: Iterable[datetime]) -> Iterator[datetime]:
    """Yield turning points and the instants after them: some things end at theirs, others right after."""
    for point in points:
        yield point
        if point < LAST:
            yield point + _INSTANT
