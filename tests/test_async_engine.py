"""The engine for asyncio: shared commits, cancelling that loses nothing, orderly closing, time-outs that answer."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBEvent, DCBRecorder

import huissier
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import EngineClosedError, InvalidCommandError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log import codec
from huissier.domain.commands import SubmitMessage
from huissier.domain.events import MessageDecided
from tests.hospital import HOSPITAL, NOW, hospital, message
from tests.stores import Append, StoreUnderTest


@pytest.fixture
def engine(store: StoreUnderTest) -> Iterator[Engine]:
    with store.open(clock=lambda: NOW) as engine:
        engine.handle_many(HOSPITAL)
        yield engine


@pytest.fixture
def log(engine: Engine, store: StoreUnderTest) -> DCBRecorder:
    return store.log_of(engine)


def run(engine: Engine, story: Callable[[AsyncEngine], Awaitable[None]]) -> None:
    async def told() -> None:
        async with AsyncEngine(engine) as awaited:
            await story(awaited)

    asyncio.run(told())


def decided(log: DCBRecorder) -> list[str]:
    facts = (codec.decode(s.event.data, s.position).event for s in log.read())
    return [fact.id for fact in facts if isinstance(fact, MessageDecided)]


def test_many_callers_share_commits_and_each_gets_its_own_answer(engine: Engine, store: StoreUnderTest) -> None:
    commits: list[int] = []
    before = engine.head

    async def story(awaited: AsyncEngine) -> None:
        answers = await asyncio.gather(*(awaited.handle(message(n)) for n in range(500)))
        assert [answer.id for answer in answers] == [f"m-{n}" for n in range(500)]
        assert sorted(answer.position or 0 for answer in answers) == list(range(before + 1, before + 501))
        assert (await awaited.check(message(3))) == answers[3].verdicts

    def counted(append: Append, events: Sequence[DCBEvent]) -> object:
        commits.append(len(events))
        return append()

    with store.appending(counted):
        run(engine, story)
    assert sum(commits) == 500
    assert len(commits) < 50


def test_threads_and_tasks_share_one_engine(engine: Engine, log: DCBRecorder) -> None:
    def write() -> None:
        for number in range(1000, 1100):
            engine.handle(message(number))

    async def story(awaited: AsyncEngine) -> None:
        thread = threading.Thread(target=write)
        thread.start()
        await asyncio.gather(*(awaited.handle(message(n)) for n in range(300)))
        await asyncio.to_thread(thread.join)
        ids = decided(log)
        assert len(ids) == len(set(ids)) == 400

    run(engine, story)


def test_a_cancelled_caller_leaves_a_whole_fact_or_none(engine: Engine, log: DCBRecorder) -> None:
    async def story(awaited: AsyncEngine) -> None:
        tasks = [asyncio.create_task(awaited.handle(message(n))) for n in range(200)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        kept = set(decided(log))
        for number, outcome in enumerate(done):
            if not isinstance(outcome, BaseException):
                assert f"m-{number}" in kept
        again = [await awaited.handle(message(n)) for n in range(200)]
        assert all(answer.outcome == "accepted" for answer in again)
        assert sorted(decided(log)) == sorted(f"m-{n}" for n in range(200))

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


class Held:
    """Appends that wait until they are let go."""

    def __init__(self) -> None:
        self.is_reached = threading.Event()
        self.release = threading.Event()

    def __call__(self, append: Append, _: Sequence[DCBEvent]) -> object:
        self.is_reached.set()
        self.release.wait(30)
        return append()


def test_a_store_that_does_not_answer_in_time_is_temporarily_unavailable(
    engine: Engine, store: StoreUnderTest, log: DCBRecorder
) -> None:
    held = Held()

    async def story(awaited: AsyncEngine) -> None:
        try:
            with pytest.raises(TemporarilyUnavailableError, match="same id"):
                await awaited.handle(message(1), timeout=0.1)
        finally:
            held.release.set()
        assert (await awaited.handle(message(1))).outcome == "accepted"
        assert decided(log) == ["m-1"]

    with store.appending(held):
        run(engine, story)


def test_a_thread_that_waits_too_long_gets_the_same_answer(
    engine: Engine, store: StoreUnderTest, log: DCBRecorder
) -> None:
    held = Held()
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            engine.handle(message(1), timeout=0.1)
        except TemporarilyUnavailableError as problem:
            caught.append(problem)

    with store.appending(held):
        leader = threading.Thread(target=lambda: engine.handle(message(2)))
        leader.start()
        held.is_reached.wait(10)
        waiting = threading.Thread(target=ask)
        waiting.start()
        waiting.join(10)
        held.release.set()
        leader.join()
    assert not waiting.is_alive()
    assert len(caught) == 1
    assert decided(log) == ["m-2"]


def test_a_full_line_makes_callers_wait_for_room_and_loses_nobody(store: StoreUnderTest) -> None:
    with store.open(queue=4) as engine:

        async def story(awaited: AsyncEngine) -> None:
            answers = await asyncio.gather(*(awaited.handle(message(n)) for n in range(200)))
            assert len({answer.position for answer in answers}) == 200

        run(engine, story)


def test_a_failed_commit_fails_everybody_in_it_and_nothing_is_recorded(
    engine: Engine, store: StoreUnderTest, log: DCBRecorder
) -> None:
    async def story(awaited: AsyncEngine) -> None:
        def fail(*_: object) -> None:
            raise StoreError("the disk is full")

        with store.appending(fail):
            outcomes = await asyncio.gather(*(awaited.handle(message(n)) for n in range(20)), return_exceptions=True)
        assert all(isinstance(outcome, StoreError) for outcome in outcomes)
        assert decided(log) == []
        assert (await awaited.handle(message(1))).outcome == "accepted"

    run(engine, story)


def test_a_command_that_breaks_the_clerk_does_not_break_those_beside_it(engine: Engine, log: DCBRecorder) -> None:
    from huissier.adapters.deciding.clerk import Clerk

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
        assert sorted(decided(log)) == sorted(f"m-{n}" for n in range(20) if n != 7)

    run(engine, story)


def test_a_malformed_command_never_stands_in_line(engine: Engine) -> None:
    async def story(awaited: AsyncEngine) -> None:
        with pytest.raises(InvalidCommandError):
            await awaited.handle(SubmitMessage(id="", sender="a", recipients=["b"]))

    run(engine, story)


def test_open_async_opens_a_store(store: StoreUnderTest) -> None:
    async def story() -> None:
        async with huissier.open_async(store.url, recorder=store.recorder) as engine:
            assert (await engine.handle(message(1))).outcome == "refused"

    asyncio.run(story())


def test_an_engine_whose_closing_was_begun_on_a_loop_that_ended_is_closed_on_another() -> None:
    awaited = AsyncEngine(hospital())

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(awaited.close(), 0.05)

    with awaited.engine._checks.desk.lock:  # closing waits for who looks something up
        asyncio.run(give_up())
    for _ in range(2):
        asyncio.run(awaited.close())


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
