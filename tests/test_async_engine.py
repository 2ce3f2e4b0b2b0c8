"""The engine for asyncio: shared commits, cancelling that loses nothing, orderly closing, time-outs that answer."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBEvent

import huissier
from huissier.adapters.async_engine import AsyncEngine
from huissier.adapters.engine import Engine
from huissier.adapters.errors import EngineClosedError, InvalidCommandError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log import codec
from huissier.adapters.log.session import Session
from huissier.domain.commands import SubmitMessage
from huissier.domain.events import MessageDecided
from tests.test_engine import hospital, message


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = hospital(f"sqlite:///{tmp_path / 'huissier.db'}")
    yield engine
    engine.close()


def run(engine: Engine, story: Callable[[AsyncEngine], Awaitable[None]]) -> None:
    async def told() -> None:
        async with AsyncEngine(engine) as awaited:
            await story(awaited)

    asyncio.run(told())


def decided(engine: Engine) -> list[str]:
    facts = (codec.decode(s.event.data, s.position).event for s in engine.recorder.read())
    return [fact.id for fact in facts if isinstance(fact, MessageDecided)]


def test_many_callers_share_commits_and_each_gets_its_own_answer(engine: Engine) -> None:
    commits: list[int] = []
    before = engine.head

    async def story(awaited: AsyncEngine) -> None:
        answers = await asyncio.gather(*(awaited.handle(message(n)) for n in range(500)))
        assert [answer.id for answer in answers] == [f"m-{n}" for n in range(500)]
        assert sorted(answer.position or 0 for answer in answers) == list(range(before + 1, before + 501))
        assert (await awaited.check(message(3))) == answers[3].verdicts

    append = Session.append

    def counted(session: Session, head: int, presumed: Sequence[str], events: Sequence[DCBEvent]) -> int | None:
        commits.append(len(events))
        return append(session, head, presumed, events)

    with pytest.MonkeyPatch.context() as watched:
        watched.setattr(Session, "append", counted)
        run(engine, story)
    assert sum(commits) == 500
    assert len(commits) < 50


def test_threads_and_tasks_share_one_engine(engine: Engine) -> None:
    def write() -> None:
        for number in range(1000, 1100):
            engine.handle(message(number))

    async def story(awaited: AsyncEngine) -> None:
        thread = threading.Thread(target=write)
        thread.start()
        await asyncio.gather(*(awaited.handle(message(n)) for n in range(300)))
        await asyncio.to_thread(thread.join)
        ids = decided(engine)
        assert len(ids) == len(set(ids)) == 400

    run(engine, story)


def test_a_cancelled_caller_leaves_a_whole_fact_or_none(engine: Engine) -> None:
    async def story(awaited: AsyncEngine) -> None:
        tasks = [asyncio.create_task(awaited.handle(message(n))) for n in range(200)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        kept = set(decided(engine))
        for number, outcome in enumerate(done):
            if not isinstance(outcome, BaseException):
                assert f"m-{number}" in kept
        again = [await awaited.handle(message(n)) for n in range(200)]
        assert all(answer.outcome == "accepted" for answer in again)
        assert sorted(decided(engine)) == sorted(f"m-{n}" for n in range(200))

    run(engine, story)


def test_closing_answers_everybody_who_was_accepted(engine: Engine) -> None:
    async def story(awaited: AsyncEngine) -> None:
        tasks = [asyncio.create_task(awaited.handle(message(n))) for n in range(100)]
        await asyncio.sleep(0)
        await awaited.close()
        answers = await asyncio.gather(*tasks)
        assert {answer.outcome for answer in answers} == {"accepted"}
        with pytest.raises(EngineClosedError):
            await awaited.handle(message(1))

    run(engine, story)


def test_a_store_that_does_not_answer_in_time_is_temporarily_unavailable(engine: Engine) -> None:
    async def story(awaited: AsyncEngine) -> None:
        release = threading.Event()
        held = threading.Event()

        def hold() -> None:
            with engine.recorder.pen():
                held.set()
                release.wait(30)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        try:
            with pytest.raises(TemporarilyUnavailableError, match="same id"):
                await awaited.handle(message(1), timeout=0.1)
        finally:
            release.set()
            thread.join()
        assert (await awaited.handle(message(1))).outcome == "accepted"
        assert decided(engine) == ["m-1"]

    run(engine, story)


def test_a_thread_that_waits_too_long_gets_the_same_answer(engine: Engine) -> None:
    with engine.recorder.pen():
        caught: list[BaseException] = []

        def ask() -> None:
            try:
                engine.handle(message(1), timeout=0.1)
            except TemporarilyUnavailableError as problem:
                caught.append(problem)

        leader = threading.Thread(target=lambda: engine.handle(message(2)))
        leader.start()
        waiting = threading.Thread(target=ask)
        waiting.start()
        waiting.join(10)
        assert not waiting.is_alive()
        assert len(caught) == 1
    leader.join()
    assert decided(engine) == ["m-2"]


def test_a_full_line_makes_callers_wait_for_room_and_loses_nobody(tmp_path: Path) -> None:
    with Engine(f"sqlite:///{tmp_path / 'huissier.db'}", queue=4) as engine:

        async def story(awaited: AsyncEngine) -> None:
            answers = await asyncio.gather(*(awaited.handle(message(n)) for n in range(200)))
            assert len({answer.position for answer in answers}) == 200

        run(engine, story)


def test_a_failed_commit_fails_everybody_in_it_and_nothing_is_recorded(engine: Engine) -> None:
    async def story(awaited: AsyncEngine) -> None:
        def fail(*_: object) -> int:
            raise StoreError("the disk is full")

        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(Session, "append", fail)
            outcomes = await asyncio.gather(*(awaited.handle(message(n)) for n in range(20)), return_exceptions=True)
        assert {str(outcome) for outcome in outcomes} == {"the disk is full"}
        assert decided(engine) == []
        assert (await awaited.handle(message(1))).outcome == "accepted"

    run(engine, story)


def test_a_command_that_breaks_the_clerk_does_not_break_those_beside_it(engine: Engine) -> None:
    from huissier.adapters.clerk import Clerk

    decide = Clerk._answer

    def fragile(clerk: Clerk, command: SubmitMessage, *rest: object) -> object:
        if command.id == "m-7":
            raise RuntimeError("a bug")
        return decide(clerk, command, *rest)  # type: ignore[arg-type]

    async def story(awaited: AsyncEngine) -> None:
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(Clerk, "_answer", fragile)
            outcomes = await asyncio.gather(*(awaited.handle(message(n)) for n in range(20)), return_exceptions=True)
        assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, RuntimeError)] == [7]
        assert sorted(decided(engine)) == sorted(f"m-{n}" for n in range(20) if n != 7)

    run(engine, story)


def test_a_malformed_command_never_stands_in_line(engine: Engine) -> None:
    async def story(awaited: AsyncEngine) -> None:
        with pytest.raises(InvalidCommandError):
            await awaited.handle(SubmitMessage(id="", sender="a", recipients=["b"]))

    run(engine, story)


def test_open_async_opens_a_store(tmp_path: Path) -> None:
    async def story() -> None:
        async with huissier.open_async(f"sqlite:///{tmp_path / 'huissier.db'}") as engine:
            assert (await engine.handle(message(1))).outcome == "refused"

    asyncio.run(story())
