"""The engine: durable, idempotent, one answer for ever, for threads and for several engines on one store."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBRecorder

import huissier
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import InvalidCommandError, StoreError
from huissier.adapters.log import codec
from huissier.domain.answers import Answer
from huissier.domain.commands import (
    AnyCommand,
    EraseUsager,
    OpenEns,
    RegisterOperator,
    ReportDelivery,
    SubmitMessage,
    SuspendMailbox,
)
from huissier.domain.events import MessageDecided, MessageUndelivered
from huissier.domain.rule_set import Options
from tests.hospital import DOCTOR, HOSPITAL, INS, INS_WITH_WRONG_KEY, NOW, SECRETARY, USAGER, hospital, message
from tests.stores import StoreUnderTest


@pytest.fixture
def engine(store: StoreUnderTest) -> Iterator[Engine]:
    with store.open(clock=lambda: NOW) as engine:
        engine.handle_many(HOSPITAL)
        yield engine


@pytest.fixture
def log(engine: Engine, store: StoreUnderTest) -> DCBRecorder:
    return store.log_of(engine)


def test_what_a_server_gave_up_on_is_read_as_any_command_is(engine: Engine) -> None:
    later = NOW.astimezone(timezone(timedelta(hours=2)))
    for number, cause in enumerate(("x" * 2_001, "a\0", "\ud800", 5)):
        engine.handle(message(number))
        with pytest.raises(InvalidCommandError):
            engine.give_up(f"m-{number}", later, cause)  # type: ignore[arg-type]
    assert engine.give_up("m-0", later, f"no mailbox of {INS}") == 1
    with engine.log.reading() as look:
        _, data, _ = look.after(engine.head - 1, 1)[0]
    fact = codec.decode(data, engine.head).event
    assert isinstance(fact, MessageUndelivered)
    assert (fact.cause, fact.at) == ("no mailbox of usager", NOW)


@pytest.mark.parametrize("thing", ["suspend-mailbox", None, {"type": "suspend-mailbox"}, SubmitMessage])
def test_what_is_no_command_is_told_so(thing: object, engine: Engine) -> None:
    with pytest.raises(InvalidCommandError, match="not a command"):
        engine.handle(thing)  # type: ignore[arg-type]


def test_a_second_engine_on_the_store_gives_the_first_answer(engine: Engine, store: StoreUnderTest) -> None:
    first = engine.handle(message(1))
    with store.open() as other:
        assert other.handle(message(1)) == first
        assert other.head == first.position


def test_an_id_given_again_gets_the_first_answer_whatever_came_between(engine: Engine) -> None:
    first = engine.handle(message(1))
    engine.handle(SuspendMailbox(address=SECRETARY))
    assert engine.handle(message(1)) == first
    assert engine.check(message(1)) == first.verdicts
    assert engine.handle(message(2)).outcome == "refused"


def test_an_id_given_again_for_others_tells_no_ins_and_appends_nothing(engine: Engine) -> None:
    first = engine.handle(message(1, to=USAGER))
    head = engine.head
    again = engine.handle(message(1, to=SECRETARY))
    assert (again.outcome, again.position) == (first.outcome, first.position)
    assert [verdict.recipient for verdict in again.verdicts] == ["usager@patient.mssante.fr"]
    assert engine.head == head


def test_two_engines_on_one_store_see_each_others_facts_at_once(engine: Engine, store: StoreUnderTest) -> None:
    with store.open(clock=lambda: NOW) as other:
        assert other.handle(message(1)).outcome == "accepted"
        assert engine.handle(SuspendMailbox(address=SECRETARY)).outcome == "recorded"
        assert other.handle(message(2)).verdicts[0].reasons[0].code == "RECIPIENT_SUSPENDED"
        assert engine.handle(message(3)).verdicts[0].reasons[0].code == "RECIPIENT_SUSPENDED"


def test_an_engine_far_behind_catches_up(engine: Engine, store: StoreUnderTest) -> None:
    with store.open(clock=lambda: NOW) as other:
        other.handle(message(0))
        engine.handle_many(message(number) for number in range(1, 2500))
        engine.handle(SuspendMailbox(address=SECRETARY))
        assert other.handle(message(3000)).outcome == "refused"


def test_a_usager_erased_by_another_engine_is_nobody_known_here(engine: Engine, store: StoreUnderTest) -> None:
    engine.handle(message(1, to=USAGER))
    engine.handle(ReportDelivery(id="m-1", recipient=USAGER, status="delivered"))
    assert engine.handle(message(2, sender=USAGER, to=DOCTOR)).outcome == "accepted"
    with store.open(clock=lambda: NOW) as other:
        assert other.handle(EraseUsager(ins=INS)).outcome == "recorded"
    assert engine.handle(message(3, sender=USAGER, to=DOCTOR)).outcome == "refused"
    assert engine.handle(EraseUsager(ins=INS)).outcome == "recorded"


def test_a_batch_is_decided_in_order_each_command_seeing_those_before(store: StoreUnderTest) -> None:
    with store.open(clock=lambda: NOW) as engine:
        answers = engine.handle_many((*HOSPITAL, message(1), SuspendMailbox(address=SECRETARY), message(2), message(1)))
    assert [answer.outcome for answer in answers] == ["recorded"] * 7 + ["accepted", "recorded", "refused", "accepted"]
    assert [answer.position for answer in answers] == [*range(1, 11), 8]


def test_a_batch_that_cannot_be_written_leaves_no_trace(engine: Engine, store: StoreUnderTest) -> None:
    head = engine.head

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with store.appending(fail):
        with pytest.raises(StoreError):
            engine.handle_many([SuspendMailbox(address=SECRETARY), message(1)])
        with pytest.raises(StoreError):
            engine.handle(OpenEns(ins=INS))
    assert engine.head == head
    assert engine.handle(message(1)).outcome == "accepted"
    assert engine.handle(EraseUsager(ins=INS)).outcome == "rejected"


def test_threads_share_an_engine_and_every_answer_is_in_the_log(engine: Engine, log: DCBRecorder) -> None:
    answers: list[Answer] = []

    def write(start: int) -> None:
        answers.extend(engine.handle(message(number)) for number in range(start, start + 40))

    threads = [threading.Thread(target=write, args=(n * 20,)) for n in range(8)]  # half of the ids come twice
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    decided = {
        event.id: sequenced.position
        for sequenced in log.read()
        if isinstance(event := codec.decode(sequenced.event.data, sequenced.position).event, MessageDecided)
    }
    assert len(decided) == 180
    assert engine.head == len(HOSPITAL) + 180
    assert all(decided[answer.id or ""] == answer.position for answer in answers)
    assert len(answers) == 320


def test_checking_records_nothing_not_even_in_the_vault(engine: Engine) -> None:
    head = engine.head
    assert engine.check(message(1, to=USAGER)).outcome == "accepted"
    assert engine.head == head
    assert engine.handle(EraseUsager(ins=INS)).reasons[0].code == "NOT_FOUND"


def test_recipients_are_named_as_they_were_given_also_twice(engine: Engine) -> None:
    given = ["Secretariat@CH-exemple.mssante.fr.", SECRETARY, '"x"@y', USAGER, "other bad"]
    command = SubmitMessage(id="m-1", sender=DOCTOR, recipients=given)
    answer = engine.handle(command)
    assert [verdict.recipient for verdict in answer.verdicts] == given
    assert [verdict.outcome for verdict in answer.verdicts] == [
        "accepted",
        "accepted",
        "refused",
        "accepted",
        "refused",
    ]
    assert engine.handle(command) == answer


def test_a_fact_keeps_when_it_happened_and_when_it_was_recorded(store: StoreUnderTest) -> None:
    happened = NOW - timedelta(days=3)
    with store.open(clock=lambda: NOW) as engine:
        engine.handle(RegisterOperator(operator="ght", kind="professionnel", at=happened))
        (sequenced,) = store.log_of(engine).read()
    stored = codec.decode(sequenced.event.data, 1)
    assert (stored.event.at, stored.recorded_at) == (happened, NOW)


def test_an_id_that_holds_an_ins_is_kept_as_a_digest_and_found_again(tmp_path: Path) -> None:
    engine = hospital(f"sqlite:///{tmp_path / 'huissier.db'}")
    command = SubmitMessage(id=f"mail of {INS}", sender=DOCTOR, recipients=[USAGER])
    first = engine.handle(command)
    report = ReportDelivery(id=command.id, recipient=USAGER, status="delivered")
    assert engine.handle(report).outcome == "recorded"
    assert engine.handle(command) == first
    engine.close()
    for file in tmp_path.iterdir():
        assert INS.encode() not in file.read_bytes()


def test_an_id_that_pretends_to_be_a_digest_meets_no_other(engine: Engine, log: DCBRecorder) -> None:
    command = SubmitMessage(id=f"mail of {INS}", sender=DOCTOR, recipients=[SECRETARY])
    engine.handle(command)
    events = [codec.decode(s.event.data, s.position).event for s in log.read()]
    (kept,) = [event.id for event in events if isinstance(event, MessageDecided)]
    assert kept.startswith("digest:")
    other = engine.handle(SubmitMessage(id=kept, sender=DOCTOR, recipients=[SECRETARY]))
    assert other.position == engine.head


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (SubmitMessage(id="", sender="a", recipients=["b"]), "id"),
        (SubmitMessage(id="x", sender="a", recipients=[]), "recipients"),
        (SubmitMessage(id="x", sender="a", recipients="b"), "recipients"),  # type: ignore[arg-type]
        (SubmitMessage(id="x", sender=None, recipients=["b"]), "sender"),  # type: ignore[arg-type]
        (SubmitMessage(id="x", sender="a", recipients=["b"], size=-1), "size"),
        (RegisterOperator(operator="x", kind="other"), "kind"),  # type: ignore[arg-type]
    ],
)
def test_a_malformed_command_is_an_error_that_names_the_field(engine: Engine, command: AnyCommand, place: str) -> None:
    head = engine.head
    with pytest.raises(InvalidCommandError, match=place):
        engine.handle(command)
    with pytest.raises(InvalidCommandError):
        engine.handle_many([message(1), command])
    assert engine.head == head


def test_only_a_submission_can_be_checked(engine: Engine) -> None:
    with pytest.raises(InvalidCommandError, match="submission"):
        engine.check(OpenEns(ins=INS))  # type: ignore[arg-type]


def test_open_makes_an_engine_with_options(store: StoreUnderTest) -> None:
    lenient = huissier.Options(ins_key="lenient")
    with huissier.open(store.url, recorder=store.recorder, options=lenient, clock=lambda: NOW) as engine:
        assert isinstance(engine, huissier.Engine)
        assert engine.handle(EraseUsager(ins=INS_WITH_WRONG_KEY)).reasons[0].code == "NOT_FOUND"
    with huissier.open(store.url, recorder=store.recorder) as engine:
        assert engine.handle(EraseUsager(ins=INS_WITH_WRONG_KEY)).reasons[0].code == "INS_INVALID"


def test_handling_nothing_answers_nothing(engine: Engine) -> None:
    head = engine.head
    assert engine.handle_many([]) == []
    assert engine.head == head


def test_a_clock_that_does_not_tell_its_zone_is_not_believed() -> None:
    with Engine("sqlite://", clock=lambda: NOW.replace(tzinfo=None)) as engine:
        with pytest.raises(ValueError, match="zone"):
            engine.handle(HOSPITAL[0])
        with pytest.raises(ValueError, match="zone"):
            engine.check(message(1))
        assert engine.head == 0


def test_a_clock_of_another_zone_is_recorded_in_utc() -> None:
    with Engine("sqlite://", clock=lambda: NOW.astimezone(timezone(timedelta(hours=2)))) as engine:
        engine.handle(HOSPITAL[0])
        (sequenced,) = engine.recorder.read()
        assert sequenced.event.data.count(b'"2026-11-02T09:00:00Z"') == 2


def test_how_much_waits_and_is_remembered_may_be_chosen() -> None:
    with huissier.open("sqlite://", queue=1, memory=0) as engine:
        engine.handle_many(HOSPITAL)
        assert engine.handle(message(1)).outcome == "accepted"
        assert engine._pen_desk.memory.facts.size == 0
    for queue, memory in ((0, None), (None, -1)):
        with pytest.raises(ValueError, match="queue must be 1 at least, memory 0"):
            huissier.open("sqlite://", queue=queue, memory=memory)


def test_other_options_hold_for_whom_the_ones_before_let_be_read() -> None:
    with hospital(options=Options(ins_key="lenient")) as engine:
        to = f"{INS_WITH_WRONG_KEY}@patient.mssante.fr"
        for number in (1, 2):
            assert engine.handle(message(number, to=to)).outcome == "accepted"
            assert engine.check(message(number, to=to)).outcome == "accepted"
        engine.follow(Options(ins_key="strict"))
        assert engine.check(message(3, to=to)).outcome == "refused"
        assert engine.handle(message(3, to=to)).verdicts[0].reasons[0].code == "ADDRESS_INVALID"


@pytest.mark.parametrize("file", [True, False])
def test_a_look_ends_at_the_head_there_was_whatever_its_own_thread_records(file: bool, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}" if file else "sqlite://"
    with hospital(url) as engine, engine.log.reading() as look:
        head = look.head
        assert engine.handle(message(1)).outcome == "accepted"
        for read in (look.facts_after, look.after, look.whole_after):
            assert [row[0] for row in read(0, 100)] == list(range(1, head + 1))


def test_what_goes_wrong_with_who_looks_is_no_damage(tmp_path: Path) -> None:
    with (
        hospital(f"sqlite:///{tmp_path / 'huissier.db'}") as engine,
        pytest.raises(UnicodeDecodeError),
        engine.log.reading(),
    ):
        b"\xff".decode()


def test_a_thousand_late_reports_of_one_message_are_taken_in_seconds() -> None:
    usagers = [f"1791299{n:06d}{97 - int(f'1791299{n:06d}') % 97:02d}@patient.mssante.fr" for n in range(1000)]
    with hospital() as engine:
        engine.handle(SubmitMessage(id="m", sender=DOCTOR, recipients=usagers))
        reports: list[AnyCommand] = [
            ReportDelivery(id="m", recipient=usager, status="delivered", at=NOW + timedelta(days=1, seconds=-n))
            for n, usager in enumerate(usagers)
        ]
        started = time.process_time()
        answers = engine.handle_many(reports)
        assert {answer.outcome for answer in answers} == {"recorded"}
        assert time.process_time() - started < 20
