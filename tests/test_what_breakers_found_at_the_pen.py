"""What newcomers sent to break the pen came upon: forks, interrupts, time-outs, and what a database has by default."""

import asyncio
import gc
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from huissier.adapters.async_engine import AsyncEngine
from huissier.adapters.engine import Engine
from huissier.adapters.errors import CorruptStoreError, EngineClosedError, StoreError, TemporarilyUnavailableError
from huissier.adapters.integrity import check_store
from huissier.adapters.line import TIMEOUT, Line, ThreadTicket, Ticket, ask
from huissier.adapters.log import codec
from huissier.adapters.log.dialects import Postgresql
from huissier.adapters.log.held_files import look_at
from huissier.domain.answers import Answer
from huissier.domain.commands import AnyCommand
from huissier.domain.events import UsagerErased
from tests.command_line import as_process
from tests.hospital import NOW, hospital, message

KEY = {"HUISSIER_VAULT_KEY": "A" * 43 + "="}
RECORDED = Answer(type="submit-message", outcome="recorded", position=1)


def answering(tickets: Sequence[Ticket]) -> None:
    for ticket in tickets:
        ticket.answer = RECORDED


def test_a_process_that_inherited_an_engine_is_told_to_open_its_own(tmp_path: Path) -> None:
    with hospital(f"sqlite:///{tmp_path / 'huissier.db'}") as engine:
        asked: tuple[Callable[[], object], ...] = (
            lambda: engine.handle(message(1)),
            lambda: engine.handle_many([message(1)]),
            lambda: engine.check(message(1)),
            lambda: engine.head,
            lambda: engine.recorder.read(),
            lambda: engine.recorder.append([codec.encode(UsagerErased(at=NOW, usager="u"), NOW)]),
        )
        head = engine.head
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            told = 0
            for ask_for in asked:
                try:
                    ask_for()
                except EngineClosedError:
                    told += 1
            os.write(writer, bytes([told]))
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reader, 1) == bytes([len(asked)])
        assert engine.head == head
        assert engine.handle(message(1)).position == head + 1


def test_a_fork_that_closes_what_it_inherited_takes_nothing_from_its_parent(new_database: Callable[[], str]) -> None:
    with hospital(new_database(), environment=KEY) as engine:
        head = engine.handle(message(1)).position or 0
        engine._line._leads = object()  # as if somebody led at the moment of the fork, who is not there afterwards
        if (child := os.fork()) == 0:
            signal.alarm(20)
            engine.close()
            os._exit(0)
        engine._line._leads = None
        assert os.waitpid(child, 0)[1] == 0
        assert engine.handle(message(2)).position == head + 1


@pytest.mark.parametrize("opens", [lambda url: Engine(url).close(), check_store], ids=["opened", "checked"])
def test_a_file_that_is_opened_again_in_its_process_keeps_its_locks(
    opens: Callable[[str], object], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    (tmp_path / "commands").write_text('{"type":"register-operator","operator":"other","kind":"usager"}\n')
    with hospital(url) as engine:
        head = engine.handle(message(1)).position or 0
        opens(url)
        assert as_process("apply", "commands", "--store", url, cwd=tmp_path).returncode == 0
        assert engine.handle(message(2)).position == head + 2
    with Engine(url) as engine:
        assert engine.head == head + 2


def test_a_file_that_is_opened_again_and_again_takes_one_descriptor(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with hospital(url):
        Engine(url).close()
        before = len(os.listdir("/dev/fd"))
        for _ in range(3):
            Engine(url).close()
        assert len(os.listdir("/dev/fd")) == before


def test_a_fork_made_while_a_thread_looks_at_a_file_looks_at_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "file").write_bytes(b"SQLite")
    looking, forked, pread = threading.Event(), threading.Event(), os.pread

    def slowly(descriptor: int, length: int, offset: int) -> bytes:
        looking.set()
        forked.wait(0.2)  # the fork waits for it, not the other way round
        return pread(descriptor, length, offset)

    monkeypatch.setattr("os.pread", slowly)
    thread = threading.Thread(target=look_at, args=(file, 1))
    thread.start()
    looking.wait()
    if (child := os.fork()) == 0:
        signal.alarm(20)
        os._exit(look_at(file, 1).size)
    forked.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == len(b"SQLite")


def test_a_fork_opens_no_file_that_its_parent_has_open(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    with hospital(url):
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:
            try:
                Engine(url)
            except StoreError as problem:
                os.write(writer, str(problem).encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        assert b"was open when this process was forked" in os.read(reader, 1_000)
    if (child := os.fork()) == 0:
        Engine(url).close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def settled(url: str, setting: sql.Composed) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET {}").format(name, setting))


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_databases_own_isolation_makes_no_answer_stale(new_database: Callable[[], str], isolation: str) -> None:
    url = new_database()
    settled(url, sql.SQL("default_transaction_isolation = {}").format(isolation))
    with hospital(url, environment=KEY) as engine:
        with engine.recorder.pen() as pen:
            assert pen.session.scalar("SHOW transaction_isolation") == "read committed"
        with engine._store.without_transaction() as session:
            assert session.scalar("SHOW default_transaction_isolation") == "read committed"


@pytest.mark.parametrize(("given", "kept"), [("off", "on"), ("remote_apply", "remote_apply"), ("local", "local")])
def test_answers_are_durable_whatever_the_databases_own_commit_is(
    new_database: Callable[[], str], given: str, kept: str
) -> None:
    url = new_database()
    settled(url, sql.SQL("synchronous_commit = {}").format(given))
    with Engine(url, environment=KEY) as engine, engine.recorder.pen() as pen:
        assert pen.session.scalar("SHOW synchronous_commit") == kept


def test_whoever_leads_may_be_interrupted_and_the_others_are_told() -> None:
    begun, others = threading.Event(), threading.Event()

    def interrupted(tickets: Sequence[Ticket]) -> None:
        if not begun.is_set():
            begun.set()
            others.wait(5)
            answering(tickets)
        elif len(tickets) > 1:
            raise KeyboardInterrupt
        else:
            answering(tickets)

    line = Line(interrupted, capacity=10, pen=threading.RLock())
    outcomes: list[str] = []

    def caller() -> None:
        try:
            outcomes.append(ask(line, message(1), 30).outcome)
        except BaseException as problem:
            outcomes.append(type(problem).__name__)

    first = threading.Thread(target=caller)
    first.start()
    begun.wait(5)
    threads = [threading.Thread(target=caller) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(line) < 3:
        time.sleep(0.001)
    others.set()
    for thread in (first, *threads):
        thread.join(5)
    assert sorted(outcomes) == ["KeyboardInterrupt", *["TemporarilyUnavailableError"] * 2, "recorded"]
    line.close()


def test_a_caller_that_is_interrupted_while_it_waits_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(tickets: Sequence[Ticket]) -> None:
        go_on.wait(5)
        answering(tickets)

    line = Line(slow, capacity=10, pen=threading.RLock())
    leader = threading.Thread(target=lambda: ask(line, message(1), 30))
    leader.start()
    while line._leads is None:
        time.sleep(0.001)
    with monkeypatch.context() as interrupting:

        def interrupt(*_: object) -> bool:
            raise KeyboardInterrupt

        interrupting.setattr(ThreadTicket, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ask(line, message(2), 30)
    go_on.set()
    leader.join(5)
    assert ask(line, message(3), 5) == RECORDED
    line.close()


def test_a_task_that_leaves_when_it_was_called_does_not_have_two_lead() -> None:
    class Task:
        leads_when_woken = False
        command: AnyCommand = message(1)
        deadline = math.inf
        answer: Answer | None = None
        problem: BaseException | None = None
        calls = 0

        def tell(self, _: Sequence[Ticket]) -> None:
            pass

        def call_to_lead(self) -> None:
            self.calls += 1

    waiting = [Task(), Task()]

    def serve(tickets: Sequence[Ticket]) -> None:
        answering(tickets)
        if not isinstance(tickets[0], Task):
            for task in waiting:
                line.enter_now(task)

    line = Line(serve, capacity=10, pen=threading.RLock())
    ask(line, message(1), 30)
    assert [task.calls for task in waiting] == [1, 0]
    line.leave(waiting[0])
    assert waiting[1].calls == 0  # the first one's call leads for it
    line.lead()
    assert waiting[1].answer == RECORDED
    line.close()


def test_a_line_that_nobody_holds_any_more_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    line = Line(answering, capacity=10, pen=None)
    assert ask(line, message(1), 1) == RECORDED
    (its_own,) = set(threading.enumerate()) - before
    del line
    gc.collect()
    its_own.join(10)
    assert not its_own.is_alive()


@pytest.mark.parametrize(
    ("call", "timeout", "times", "place"),
    [
        pytest.param("handle", TIMEOUT, 400, "memory", id="who leads"),
        pytest.param("handle", 5.0, 400, "memory", id="who has it led"),
        pytest.param("check", 1.0, 3000, "file", id="who checks in a file"),
        pytest.param("head", TIMEOUT, 3000, "file", id="who reads a file"),
        pytest.param("check", 1.0, 1500, "postgres", id="who checks on a server"),
        pytest.param("handle_many", TIMEOUT, 1000, "postgres", id="who has the pen on a server"),
    ],
)
def test_wherever_a_caller_is_interrupted_the_next_is_answered(
    call: str, timeout: float, times: int, place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = "sqlite://" if place == "memory" else f"sqlite:///{tmp_path / 'huissier.db'}"
    if place == "postgres":
        url = request.getfixturevalue("new_database")()
    asked = (call, str(timeout), str(times), url)
    subprocess.run([sys.executable, "-m", "tests.interrupts", *asked], check=True, timeout=100, env=os.environ | KEY)


def test_one_may_wait_for_ever_but_not_for_no_number_of_seconds() -> None:
    with hospital() as engine:
        with engine.recorder.pen():
            waiting = threading.Thread(target=lambda: engine.handle(message(1), timeout=math.inf))
            waiting.start()
            time.sleep(0.05)
        waiting.join(5)
        assert engine.handle(message(1), timeout=math.inf).outcome == "accepted"
        for timeout in (math.nan, -1.0):
            with pytest.raises(ValueError, match="timeout"):
                engine.handle(message(2), timeout=timeout)
    for queue, memory in ((0, 10), (10, -1)):
        with pytest.raises(ValueError, match="queue must be 1 at least, memory 0"):
            Engine("sqlite://", queue=queue, memory=memory)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_check_waits_for_nobodys_pen(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}" if kind == "sqlite" else request.getfixturevalue("new_database")()
    with hospital(url, environment=KEY) as engine, Engine(url, environment=KEY) as other, other.recorder.pen():
        waiting = threading.Thread(target=lambda: engine.handle(message(1)))
        waiting.start()
        began = time.monotonic()
        assert engine.check(message(2)).outcome == "accepted"
        assert time.monotonic() - began < 2
    waiting.join(5)


def test_a_check_that_is_not_answered_in_time_says_so(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with hospital(new_database(), environment=KEY) as engine:
        thawed = threading.Event()
        reading = engine.log.reading

        def frozen() -> object:
            thawed.wait(10)
            return reading()

        with monkeypatch.context() as freezing:
            freezing.setattr(engine.log, "reading", frozen)
            with pytest.raises(TemporarilyUnavailableError):
                engine.check(message(1), timeout=0.1)
            thawed.set()


def test_what_passes_by_itself_is_told_from_what_does_not_in_any_language() -> None:
    kinds = Postgresql()
    for passing in (psycopg.OperationalError("connexion perdue"), psycopg.errors.LockNotAvailable("verrou")):
        assert kinds.error_for(passing, str(passing)) is TemporarilyUnavailableError
    assert kinds.error_for(psycopg.errors.DataCorrupted("page invalide"), "") is CorruptStoreError
    assert kinds.error_for(psycopg.errors.UndefinedTable("table absente"), "") is StoreError


def test_a_closed_engine_for_asyncio_says_that_it_is_closed(tmp_path: Path) -> None:
    async def story() -> None:
        awaited = AsyncEngine(hospital(f"sqlite:///{tmp_path / 'huissier.db'}"))
        running = [asyncio.create_task(awaited.handle(message(number))) for number in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(awaited.close(), awaited.close())
        assert all(task.done() for task in running)
        for ask_for in (awaited.check(message(1)), awaited.handle(message(1))):
            with pytest.raises(EngineClosedError):
                await ask_for
        await awaited.close()

    asyncio.run(story())
