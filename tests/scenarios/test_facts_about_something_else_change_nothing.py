"""A fact that is about something else changes nothing, whatever is folded: a log may tag facts for more than one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from huissier.adapters.testing.hospital import DOCTOR
from huissier.domain import contact, mailbox, operator, submission, trust_space
from huissier.domain.events import StatisticsProduced
from huissier.domain.timeline import Fact
from huissier.domain.white_list import TrustSpace

AT = datetime(2026, 10, 31, tzinfo=UTC)
PRODUCED = StatisticsProduced(
    at=AT, name="a.csv", sha256="00", rows=1, month=202609, domain="a.fr", layout="l", position=1, final=True
)
STRANGE = Fact(AT, 7, PRODUCED)
FOLDED: list[tuple[Any, Callable[[Any, Fact], Any]]] = [
    (contact.UNKNOWN, lambda state, fact: contact.evolve(state, fact, DOCTOR)),
    (mailbox.UNKNOWN, mailbox.evolve),
    (operator.UNKNOWN, operator.evolve),
    (submission.UNKNOWN, submission.evolve),
    (trust_space.UNKNOWN, trust_space.evolve),
]


@pytest.mark.parametrize(("state", "evolve"), FOLDED, ids=["contact", "mailbox", "operator", "submission", "domain"])
def test_a_fact_about_something_else_changes_nothing(state: Any, evolve: Callable[[Any, Fact], Any]) -> None:
    assert evolve(state, STRANGE) is state


def test_the_trust_space_takes_no_note_of_it() -> None:
    space = TrustSpace([STRANGE])
    assert (space.domains, space.loads, space.last_load) == ({}, [], None)
