"""The log in a recorder of somebody else's: nothing lost, nothing doubled, nothing decided on stale facts."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBEvent, DCBRecorder
from eventsourcing.dcb.popo import InMemoryDCBRecorder
from eventsourcing.persistence import IntegrityError

from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import InvalidCommandError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log import codec, foreign
from huissier.adapters.log.foreign import ForeignLog
from huissier.adapters.log.place import Place
from huissier.adapters.log.store import Store
from huissier.adapters.testing.hospital import ins, usager
from huissier.domain.commands import EraseUsager, OpenEns, ReportDelivery, SuspendMailbox
from huissier.domain.events import MessageDecided, UsagerErased
from tests.hospital import DOCTOR, HOSPITAL, INS, NOW, SECRETARY, USAGER, message
from tests.stores import Append, LogElsewhere
from tests.umadb_server import umadb_server


@pytest.fixture(params=["memory", "umadb"])
def recorder(request: pytest.FixtureRequest) -> DCBRecorder:
    if request.param == "memory":
        return InMemoryDCBRecorder()
    new_umadb: Callable[[], DCBRecorder] = request.getfixturevalue("new_umadb")
    return new_umadb()


@pytest.fixture
def store(tmp_path: Path, recorder: DCBRecorder) -> LogElsewhere:
    return LogElsewhere(f"sqlite:///{tmp_path / 'vault.db'}", recorder)


@pytest.fixture
def engine(store: LogElsewhere) -> Iterator[Engine]:
    with store.open(clock=lambda: NOW) as engine:
        engine.handle_many(HOSPITAL)
        yield engine


def facts(recorder: DCBRecorder) -> list[object]:
    return [codec.decode(one.event.data, one.position).event for one in recorder.read()]


def decided(recorder: DCBRecorder) -> list[str]:
    return [fact.id for fact in facts(recorder) if isinstance(fact, MessageDecided)]


def kept(store: LogElsewhere) -> int:
    """Count whom the vault knows, as another process would find it."""
    vault = sqlite3.connect(store.url.removeprefix("sqlite:///"))
    (count,) = vault.execute("SELECT count(*) FROM vault").fetchone()
    vault.close()
    return int(count)


# --- a look


def event(name: str, *tags: str) -> DCBEvent:
    return DCBEvent(type="kind", data=name.encode(), tags=list(tags))


@pytest.fixture
def log(recorder: DCBRecorder) -> Iterator[ForeignLog]:
    store = Store(Place("sqlite://"), lambda _session, _is_new: None)
    yield ForeignLog(recorder, store)
    store.close()


def test_a_look_at_an_empty_log_sees_nothing(log: ForeignLog) -> None:
    with log.reading() as look:
        assert (look.head, look.after(0, 10), list(look.by_tag(["a"]))) == (0, [], [])


def test_a_look_sees_nothing_behind_its_head(log: ForeignLog, recorder: DCBRecorder) -> None:
    recorder.append([event("one", "a"), event("two", "b", "a")])
    with log.reading() as look:
        recorder.append([event("three", "a")])
        assert look.head == 2
        assert look.after(0, 10) == [(1, b"one", ["a"]), (2, b"two", ["b", "a"])]
        assert look.after(0, 1) == [(1, b"one", ["a"])]
        assert look.after(2, 10) == []
        assert list(look.by_tag(["a"])) == [("a", 1, b"one"), ("a", 2, b"two")]


def test_facts_are_found_by_each_of_many_tags_once(log: ForeignLog, recorder: DCBRecorder) -> None:
    recorder.append([event(str(number), f"t{number}", "busy", f"t{number}") for number in range(450)])
    with log.reading() as look:
        found = list(look.by_tag([*(f"t{number}" for number in range(1, 450)), "busy"]))
    assert [(tag, data) for tag, _, data in found if tag != "busy"] == [(f"t{n}", b"%d" % n) for n in range(1, 450)]
    assert [position for tag, position, _ in found if tag == "busy"] == list(range(1, 451))


# --- overtaken


def test_whoever_is_overtaken_decides_again_on_what_the_other_recorded(engine: Engine, store: LogElsewhere) -> None:
    with store.open(clock=lambda: NOW) as other:
        attempts: list[int] = []

        def first_suspended(append: Append, events: Sequence[DCBEvent]) -> object:
            attempts.append(len(events))
            if len(attempts) == 1:
                other.handle(SuspendMailbox(address=SECRETARY))
            return append()

        with store.appending(first_suspended):
            answer = engine.handle(message(1))
    assert answer.verdicts[0].reasons[0].code == "RECIPIENT_SUSPENDED"
    assert answer.verdicts[0].reasons[0].facts == (len(HOSPITAL) + 1,)
    assert answer.position == engine.head == len(HOSPITAL) + 2
    assert len(attempts) == 3


def test_whoever_was_overtaken_goes_first(engine: Engine, store: LogElsewhere, recorder: DCBRecorder) -> None:
    attempts: list[int] = []
    with store.open(clock=lambda: NOW) as other:
        late = threading.Thread(target=lambda: other.handle(message(3)))

        def contested(append: Append, events: Sequence[DCBEvent]) -> object:
            if b'"m-1"' in events[0].data:
                attempts.append(len(events))
                if len(attempts) == 1:
                    other.handle(message(2))
                    other.handle(message(4))
                elif len(attempts) == 2:
                    late.start()
                    late.join(0.3)
            return append()

        with store.appending(contested):
            engine.handle(message(1))
            late.join()
    assert decided(recorder) == ["m-2", "m-4", "m-1", "m-3"]
    assert len(attempts) == 2


def test_engines_that_overtake_each_other_lose_and_double_nothing(store: LogElsewhere, recorder: DCBRecorder) -> None:
    overtaken: list[int] = []

    def watched(append: Append, events: Sequence[DCBEvent]) -> object:
        time.sleep(0.001)  # a network would take as long
        try:
            return append()
        except IntegrityError:
            overtaken.append(len(events))
            raise

    engines = [store.open(clock=lambda: NOW) for _ in range(4)]
    engines[0].handle_many(HOSPITAL)
    found: list[tuple[str | None, int | None]] = []

    def work(engine: Engine, start: int) -> None:
        for number in range(start, start + 50):  # most ids are asked for by two engines
            answer = engine.handle(message(number, to=usager(number) if number % 2 else SECRETARY))
            found.append((answer.id, answer.position))

    threads = [threading.Thread(target=work, args=(engine, 25 * n)) for n, engine in enumerate(engines)]
    with store.appending(watched):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    recorded = {
        fact.id: position for position, fact in enumerate(facts(recorder), 1) if isinstance(fact, MessageDecided)
    }
    assert sorted(recorded) == sorted(f"m-{number}" for number in range(125))
    assert [one.position for one in recorder.read()] == list(range(1, len(HOSPITAL) + 126))
    assert len(found) == 200
    assert all(recorded[id_ or ""] == position for id_, position in found)
    assert kept(store) == 62
    assert overtaken
    for engine in engines:
        engine.close()


def test_a_log_that_is_always_ahead_ends_in_temporarily_unavailable(
    engine: Engine, store: LogElsewhere, recorder: DCBRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[float] = []

    def ahead(*_: object) -> None:
        attempts.append(time.monotonic())
        raise IntegrityError

    monkeypatch.setattr(foreign, "PATIENCE", 0.5)
    with store.appending(ahead), pytest.raises(TemporarilyUnavailableError, match="same id"):
        engine.handle(message(1))
    assert 0.3 < attempts[-1] - attempts[0] < 2
    assert 5 < len(attempts) < 200
    assert decided(recorder) == []
    assert engine.handle(message(1)).outcome == "accepted"


# --- the answer that was lost, and the order of log and vault


def test_an_append_whose_answer_is_lost_is_found_by_asking_again(
    engine: Engine, store: LogElsewhere, recorder: DCBRecorder
) -> None:
    def lost(append: Append, _: Sequence[DCBEvent]) -> None:
        append()
        raise ConnectionError(f"the line broke while {INS} was under way")

    with store.appending(lost), pytest.raises(TemporarilyUnavailableError, match="same id") as caught:
        engine.handle(message(1, to=USAGER))
    assert INS not in str(caught.value)
    assert engine.handle(message(1, to=USAGER)).position == engine.head == len(HOSPITAL) + 1
    assert decided(recorder) == ["m-1"]
    assert kept(store) == 1


def test_a_newcomer_is_in_the_vault_before_the_log_names_them(engine: Engine, store: LogElsewhere) -> None:
    known: list[int] = []

    def looked_at(append: Append, _: Sequence[DCBEvent]) -> object:
        known.append(kept(store))
        return append()

    with store.appending(looked_at):
        engine.handle(message(1, to=USAGER))
    assert known == [1]


def test_a_newcomer_whose_fact_never_came_is_the_same_person_later(
    engine: Engine, store: LogElsewhere, recorder: DCBRecorder
) -> None:
    def crashed(*_: object) -> None:
        raise KeyboardInterrupt

    with store.appending(crashed), pytest.raises(TemporarilyUnavailableError):
        engine.handle(message(1, to=USAGER))
    assert (kept(store), decided(recorder)) == (1, [])
    with store.open(clock=lambda: NOW) as after_the_crash:
        assert after_the_crash.handle(message(1, to=USAGER)).outcome == "accepted"
        assert after_the_crash.handle(message(2, to=USAGER)).outcome == "accepted"
    assert kept(store) == 1


def test_a_usager_leaves_the_vault_after_the_log_says_so(
    engine: Engine, store: LogElsewhere, recorder: DCBRecorder
) -> None:
    engine.handle(message(1, to=USAGER))
    known: list[int] = []

    def looked_at(append: Append, _: Sequence[DCBEvent]) -> object:
        known.append(kept(store))
        return append()

    with store.appending(looked_at):
        assert engine.handle(EraseUsager(ins=INS)).outcome == "recorded"
    assert (known, kept(store)) == ([1], 0)
    assert engine.handle(EraseUsager(ins=INS)).outcome == "rejected"


def test_an_erasure_interrupted_between_log_and_vault_is_done_by_asking_again(
    engine: Engine, store: LogElsewhere, recorder: DCBRecorder
) -> None:
    engine.handle(message(1, to=USAGER))

    def crashed(append: Append, _: Sequence[DCBEvent]) -> None:
        append()
        raise KeyboardInterrupt

    with store.appending(crashed), pytest.raises(TemporarilyUnavailableError):
        engine.handle(EraseUsager(ins=INS))
    assert kept(store) == 1
    with store.open(clock=lambda: NOW) as after_the_crash:
        assert after_the_crash.handle(EraseUsager(ins=INS)).outcome == "recorded"
    assert kept(store) == 0
    assert len({fact.usager for fact in facts(recorder) if isinstance(fact, UsagerErased)}) == 1


def test_whoever_looks_while_a_usager_is_being_erased_does_not_remember_them(
    engine: Engine, store: LogElsewhere
) -> None:
    engine.handle(message(1, to=USAGER))
    engine.handle(ReportDelivery(id="m-1", recipient=USAGER, status="delivered"))
    from_usager = message(2, sender=USAGER, to=DOCTOR)
    with store.open(clock=lambda: NOW) as other:

        def looked_at(append: Append, _: Sequence[DCBEvent]) -> object:
            position = append()
            assert engine.check(from_usager).outcome == "accepted"
            return position

        with store.appending(looked_at):
            other.handle(EraseUsager(ins=INS))
    assert engine.handle(from_usager).outcome == "refused"


def test_an_erasure_stands_alone_in_its_batch(engine: Engine, store: LogElsewhere) -> None:
    engine.handle(message(1, to=USAGER))
    head = engine.head
    with pytest.raises(InvalidCommandError, match="batch of its own"):
        engine.handle_many([message(2, to=usager(2)), EraseUsager(ins=INS)])
    assert (engine.head, kept(store)) == (head, 1)
    assert engine.handle_many([EraseUsager(ins=INS)])[0].outcome == "recorded"


def test_erasures_and_newcomers_that_wait_together_are_all_answered(engine: Engine, store: LogElsewhere) -> None:
    engine.handle_many(message(number, to=usager(number)) for number in range(5))

    async def story() -> None:
        async with AsyncEngine(engine) as awaited:
            erased = [awaited.handle(EraseUsager(ins=ins(number))) for number in range(5)]
            written = [awaited.handle(message(number, to=usager(number))) for number in range(100, 120)]
            answers = await asyncio.gather(*(one for pair in zip(erased, written, strict=False) for one in pair))
            answers += await asyncio.gather(*written[5:])
            assert {answer.outcome for answer in answers} == {"recorded", "accepted"}

    asyncio.run(story())
    assert kept(store) == 20


# --- recorders that cannot be leant on


class Gapped(InMemoryDCBRecorder):
    """Numbers by twos."""

    def _position_sequence_generator(self) -> Iterator[int]:
        yield from range(2, 1_000_000, 2)


def test_a_recorder_that_numbers_with_gaps_is_refused_when_it_shows(tmp_path: Path) -> None:
    store = LogElsewhere(f"sqlite:///{tmp_path / 'vault.db'}", Gapped())
    with store.open() as engine, pytest.raises(StoreError, match="position 1 stands at 2"):
        engine.handle(OpenEns(ins=INS))


def test_a_gap_that_another_left_is_refused_when_it_is_read(tmp_path: Path) -> None:
    recorder = InMemoryDCBRecorder()
    store = LogElsewhere(f"sqlite:///{tmp_path / 'vault.db'}", recorder)
    with store.open(clock=lambda: NOW) as engine:
        engine.handle_many(HOSPITAL)
        next(recorder.position_sequence)
        recorder.append([codec.encode(UsagerErased(at=NOW, usager="somebody"), NOW)])
        with pytest.raises(StoreError, match="position 8 stands at 9"):
            engine.handle(message(1))


def test_a_log_that_became_shorter_is_refused(tmp_path: Path) -> None:
    recorder = InMemoryDCBRecorder()
    store = LogElsewhere(f"sqlite:///{tmp_path / 'vault.db'}", recorder)
    with store.open(clock=lambda: NOW) as engine:
        engine.handle_many(HOSPITAL)
        del recorder.events[3:]
        with pytest.raises(StoreError, match="ends at position 3, but 7"):
            engine.handle(message(1))
        with pytest.raises(StoreError, match="facts were lost"):
            engine.check(message(1))


class Talkative(InMemoryDCBRecorder):
    """Fails to read, and says too much."""

    def read(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise RuntimeError(f"cannot read\n{INS}")


def test_what_a_recorder_says_when_it_fails_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        LogElsewhere(f"sqlite:///{tmp_path / 'vault.db'}", Talkative()).open()
    assert str(caught.value) == "the log's recorder cannot be read (RuntimeError)"


def test_a_server_that_is_gone_is_a_clear_error_and_its_log_is_found_again(tmp_path: Path) -> None:
    from eventsourcing_umadb.recorders import UmaDBDCBRecorder
    from umadb import Client

    url = f"sqlite:///{tmp_path / 'vault.db'}"
    folder = tmp_path / "umadb"
    folder.mkdir()
    with umadb_server(folder) as server:
        engine = LogElsewhere(url, UmaDBDCBRecorder(Client(server))).open(clock=lambda: NOW)
        engine.handle_many((*HOSPITAL, message(1)))
    with pytest.raises(
        StoreError, match=r"^the log's recorder cannot be read \(\w+\)$"
    ):  # not always one type of error
        engine.handle(message(2))
    engine.close()
    with (
        umadb_server(folder) as server,
        LogElsewhere(url, UmaDBDCBRecorder(Client(server))).open(clock=lambda: NOW) as again,
    ):
        assert again.handle(message(1)).position == len(HOSPITAL) + 1
        assert again.handle(message(2)).position == len(HOSPITAL) + 2
