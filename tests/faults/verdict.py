"""The verdict on a store after a fault: all of its log read again, decided again, and held against what was said.

`judge` finds nothing to object to, or raises an `AssertionError` that says what.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from msgspec.structs import replace

import huissier
from huissier import AnyCommand, SubmitMessage
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log import codec
from huissier.adapters.testing.properties import answered
from huissier.adapters.testing.reference.twin import Twin, TwinAnswer
from huissier.domain.events import AnyEvent, CommandRejected, MessageDecided
from huissier.domain.tags import tags_of
from tests.faults.journal import Answered, Asked, Said, read
from tests.faults.wards import COMMON

_AT_ONCE = 500


class Fact(NamedTuple):
    """An event where it stands in the log."""

    position: int
    event: AnyEvent
    tags: list[str]


class Judged(NamedTuple):
    """What the log came to: its facts, and how often each reason was given for or against something."""

    facts: list[Fact]
    codes: Counter[str]


class Exchange(NamedTuple):
    """A command of a ward, and the answers that were heard."""

    asked: Asked
    heard: list[Answered]


def judge(url: str, *journals: Path) -> Judged:
    """Judge a store and what the writers of the journals heard of it. Raises `AssertionError`."""
    exchanges = [exchange for journal in journals for exchange in _exchanges(journal)]
    with huissier.open(url) as engine:
        facts = list(read_log(engine))
        _stand_without_gap(facts)
        _decide_each_submission_once(facts)
        _are_found_by_their_tags(facts, url)
        twins = _Twins(facts, exchanges)
        twins.agree_with_the_log()
        twins.agree_with_what_was_heard()
        twins.know_whom_the_vault_knows(url)
        twins.agree_when_asked_again(engine)
    return Judged(facts, Counter(code for fact in facts for code in _codes(fact.event)))


def read_log(engine: Engine, after: int = 0) -> Iterator[Fact]:
    """Read the log behind a position."""
    for sequenced in engine.recorder.read(after=after):
        event = codec.decode(sequenced.event.data, sequenced.position).event
        yield Fact(sequenced.position, event, list(sequenced.event.tags))


def _stand_without_gap(facts: Sequence[Fact]) -> None:
    for place, fact in enumerate(facts, 1):
        assert fact.position == place, f"position {fact.position} stands where {place} should"


def _decide_each_submission_once(facts: Sequence[Fact]) -> None:
    times = Counter(fact.event.id for fact in facts if isinstance(fact.event, MessageDecided))
    for submission, count in times.items():
        assert count == 1, f"{submission} was decided {count} times"


def _are_found_by_their_tags(facts: Sequence[Fact], url: str) -> None:
    """Hold the events' tags, and the index of them, against the events."""
    for fact in facts:
        assert fact.tags == tags_of(fact.event), f"the tags of event {fact.position} are not its own"
    found = _rows(url, "SELECT tag, type, position FROM tags")
    expected = {(tag, fact.event.__struct_config__.tag, fact.position) for fact in facts for tag in fact.tags}
    assert set(found) == expected, f"the index of tags differs in {set(found) ^ expected}"


class _Twins:
    """One twin for each ward, which lives through the ward's part of the log."""

    def __init__(self, facts: Sequence[Fact], exchanges: Sequence[Exchange]) -> None:
        self._facts = facts
        self._exchanges = exchanges
        self._by_moment = {e.asked.command.at: e.asked for e in exchanges if e.asked.command.at is not None}
        self._by_position = {answered.position: e.asked for e in exchanges for answered in e.heard}
        self._of_ward: dict[int | None, Twin] = {}
        self._positions: dict[int | None, list[int]] = {}
        self._said: dict[int, Said] = {}

    def agree_with_the_log(self) -> None:
        """Decide every command again whose event stands in the log, in the log's order."""
        for fact in self._facts:
            asked = self._cause_of(fact)
            answer = self._twin(asked.ward).handle(replace(asked.command, at=fact.event.at))
            expected, recorded = _as_said(answer), _of_event(fact.event)
            assert recorded == expected, _differs(fact.position, asked.command, recorded, expected)
            self._positions[asked.ward].append(fact.position)
            self._said[fact.position] = expected

    def agree_with_what_was_heard(self) -> None:
        """Hold every answer against the event at its position."""
        for asked, heard in self._exchanges:
            for answer in heard:
                if answer.position is None:
                    assert answer.said.outcome == "unchanged", f"{asked} was answered {answer} without an event"
                    continue
                expected = self._said.get(answer.position)
                assert answer.said == expected, _differs(answer.position, asked.command, answer.said, expected)
                event = self._facts[answer.position - 1].event
                assert _is_of(event, asked.command), f"{asked} was answered with the position of {event}"

    def know_whom_the_vault_knows(self, url: str) -> None:
        """Hold the number of usagers that facts were recorded about, and not erased, against the vault's."""
        known = set().union(*(twin.known for twin in self._of_ward.values()))
        ((kept,),) = _rows(url, "SELECT count(*) FROM vault")
        assert kept == len(known), f"the vault knows {kept} usagers and the log names {len(known)}"

    def agree_when_asked_again(self, engine: Engine) -> None:
        """Submit again all that was submitted: each gets its first answer and nothing is recorded."""
        ids = {fact.event.id for fact in self._facts if isinstance(fact.event, MessageDecided)}
        again = [
            exchange.asked
            for exchange in self._exchanges
            if isinstance(exchange.asked.command, SubmitMessage) and exchange.asked.command.id in ids
        ]
        head = engine.head
        for start in range(0, len(again), _AT_ONCE):
            some = again[start : start + _AT_ONCE]
            for asked, answer in zip(some, engine.handle_many(asked.command for asked in some), strict=True):
                expected = self._twin(asked.ward).handle(asked.command)
                assert answered(answer) == self._in_the_log(expected, asked), f"{asked} is now answered {answer}"
        assert engine.head == head, "asking again recorded something"

    def _cause_of(self, fact: Fact) -> Asked:
        asked = self._by_moment.get(fact.event.at) or self._by_position.get(fact.position)
        if asked is None:
            raise AssertionError(f"nobody asked for event {fact.position}: {fact.event}")
        assert _is_of(fact.event, asked.command), f"event {fact.position}, {fact.event}, is not of {asked}"
        return asked

    def _twin(self, ward: int | None) -> Twin:
        """Return a ward's twin, which knows what all wards share; that stands first in the log."""
        if ward not in self._of_ward:
            self._of_ward[ward], self._positions[ward] = Twin(), []
            for position, command in enumerate(COMMON if ward is not None else (), 1):
                self._of_ward[ward].handle(command)
                self._positions[ward].append(position)
        return self._of_ward[ward]

    def _in_the_log(self, answer: TwinAnswer, asked: Asked) -> TwinAnswer:
        """Return a twin's answer with the log's position instead of the twin's."""
        return answer._replace(position=self._positions[asked.ward][(answer.position or 0) - 1])


def _exchanges(journal: Path) -> list[Exchange]:
    found: dict[int, Exchange] = {}
    for line in read(journal):
        match line:
            case Asked():
                found[line.number] = Exchange(line, [])
            case Answered():
                found[line.number].heard.append(line)
            case _:
                pass
    return list(found.values())


def _is_of(event: AnyEvent, command: AnyCommand) -> bool:
    if isinstance(event, MessageDecided) or isinstance(command, SubmitMessage):
        return isinstance(event, MessageDecided) and isinstance(command, SubmitMessage) and event.id == command.id
    return command.at in (None, event.at)


def _of_event(event: AnyEvent) -> Said:
    match event:
        case MessageDecided():
            verdicts = tuple(
                ("accepted" if verdict.accepted else "refused", tuple(reason.code for reason in verdict.reasons))
                for verdict in event.verdicts
            )
            outcomes = {outcome for outcome, _ in verdicts}
            return Said(outcomes.pop() if len(outcomes) == 1 else "mixed", verdicts)
        case CommandRejected():
            return Said("rejected", codes=tuple(reason.code for reason in event.reasons))
        case _:
            return Said("recorded")


def _as_said(answer: TwinAnswer) -> Said:
    return Said(answer.outcome, tuple((verdict.outcome, verdict.codes) for verdict in answer.verdicts), answer.codes)


def _codes(event: AnyEvent) -> Iterator[str]:
    match event:
        case MessageDecided():
            yield from (reason.code for verdict in event.verdicts for reason in verdict.reasons)
        case CommandRejected():
            yield from (reason.code for reason in event.reasons)
        case _:
            pass


def _rows(url: str, statement: str) -> list[tuple[object, ...]]:
    """Look into a store's tables past the engine."""
    database = sa.create_engine(url)
    with database.connect() as connection:
        rows = [tuple(row) for row in connection.execute(sa.text(statement))]
    database.dispose()
    return rows


def _differs(position: int, command: AnyCommand, found: Said, expected: Said | None) -> str:
    return f"{command} at position {position} came to {found} and not to {expected}"
