"""What an engine remembers between decisions is bounded, and what it forgot it reads again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from huissier.adapters.log.pen import Reading
from huissier.domain.events import MailboxCreated, MailboxSuspended
from huissier.domain.facts import Facts
from huissier.domain.tags import mailbox_tag
from huissier.domain.timeline import Fact
from tests.hospital import NOW, hospital, message


def tag(name: str) -> str:
    return mailbox_tag(f"{name}@ch-exemple.mssante.fr")


def test_the_subject_that_was_not_used_for_longest_is_forgotten_first() -> None:
    facts = Facts()
    facts.learn([tag("a"), tag("b"), tag("c")])
    assert not facts.not_recalled([tag("a")])
    facts.shrink_to(2)
    assert facts.not_recalled(map(tag, "abc")) == [tag("b")]


def test_a_subject_weighs_itself_and_its_facts() -> None:
    facts = Facts()
    facts.learn([tag("busy"), tag("idle")])
    address = "busy@ch-exemple.mssante.fr"
    for position in range(1, 6):
        facts.add([tag("busy"), tag("unknown")], Fact(NOW, position, MailboxSuspended(at=NOW, address=address)))
    assert facts.size == 7
    facts.drop([tag("busy"), tag("unknown")])
    assert facts.size == 1
    facts.forget()
    assert facts.size == 0


def test_an_engine_keeps_no_more_than_it_was_told(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path / 'huissier.db'}", memory=20) as engine:
        for number in range(50):
            engine.handle(message(number, to=f"nobody-{number}@ch-exemple.mssante.fr"))
            assert engine._pen_desk.memory.facts.size <= 20


def test_what_is_used_again_and_again_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    by_tag = Reading.by_tag

    def counted(reading: Reading, tags: list[str]) -> object:
        asked.extend(tags)
        return by_tag(reading, tags)

    with hospital(f"sqlite:///{tmp_path / 'huissier.db'}", memory=60) as engine:
        engine.handle(message(0))
        monkeypatch.setattr(Reading, "by_tag", counted)
        for number in range(1, 200):
            engine.handle(message(number))
            engine.handle(message(1000 + number, to=f"once-{number}@ch-exemple.mssante.fr"))
    read = {tag for tag in asked if not tag.startswith(("submission:", "mailbox:once-"))}
    assert read == set()


def test_facts_are_folded_in_the_order_of_time_whenever_they_are_asked_for() -> None:
    address = "a@ch-exemple.mssante.fr"
    facts = Facts()
    facts.learn([tag("a")])
    later = Fact(NOW, 2, MailboxSuspended(at=NOW, address=address))
    earlier_day = datetime(2026, 11, 1, tzinfo=UTC)
    earlier = Fact(earlier_day, 3, MailboxCreated(at=earlier_day, address=address, kind="PER"))
    facts.add([tag("a")], later)
    facts.add([tag("a")], earlier)
    timeline = facts._timelines[tag("a")]
    assert timeline.latest.status == "suspended"
    assert timeline.as_of(earlier_day).status == "active"


def test_checking_for_ever_keeps_no_memory() -> None:
    with hospital() as engine:
        engine.check(message(0))
        before = engine._checks.desk.memory.facts.size
        for number in range(300):
            engine.check(message(number))
        assert engine._checks.desk.memory.facts.size == before
