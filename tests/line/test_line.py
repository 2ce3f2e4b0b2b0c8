"""The line before the pen: who stands in it together, who leaves it, and who leads."""

import asyncio
import gc
import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.deciding.line import Line, ThreadTicket, Ticket, ask
from huissier.adapters.errors import CorruptStoreError
from huissier.domain.answers import Answer
from huissier.domain.commands import AnyCommand
from tests.hospital import DOCTOR, SECRETARY, hospital, message
from tests.line.answering import RECORDED, answering
from tests.log.by_hand import ByHand


def test_one_damaged_fact_fails_those_it_concerns_and_not_who_waits_beside_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"
    hospital(url).close()
    ByHand(url).rewrite(7, lambda _: b"{")  # the secretaries' mailbox

    async def story() -> None:
        async with AsyncEngine(Engine(url)) as awaited:
            asked = [awaited.handle(message(number, to=DOCTOR)) for number in range(3)]
            *heard, damaged = await asyncio.gather(
                *asked, awaited.handle(message(3, to=SECRETARY)), return_exceptions=True
            )
            assert [getattr(answer, "outcome", answer) for answer in heard] == ["accepted"] * 3
            assert isinstance(damaged, CorruptStoreError)

    asyncio.run(story())


def test_nobody_is_decided_about_who_left_while_the_pen_was_waited_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'huissier.db'}"

    async def story() -> None:
        async with AsyncEngine(hospital(url)) as awaited:
            with Engine(url) as other, other.recorder.pen():
                tasks = [asyncio.create_task(awaited.handle(message(number))) for number in range(20)]
                while len(awaited.engine.line):  # until all are in the batch of who waits for the pen
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                head = other.head
                for task in tasks[1:]:
                    task.cancel()
                await asyncio.gather(*tasks[1:], return_exceptions=True)
            assert (await tasks[0]).outcome == "accepted"
            assert awaited.engine.head == head + 1

    asyncio.run(story())


def seconds_to_leave(many: int) -> float:
    """Return how long so many take to leave a line, the last first."""
    line = Line(lambda _: None, capacity=many, pen=None)
    tickets = [ThreadTicket(message(number), math.inf) for number in range(many)]
    for ticket in tickets:
        line.enter(ticket)
    began = time.process_time()
    for ticket in reversed(tickets):
        line.leave(ticket)
    took = time.process_time() - began
    line.close()
    return took


def test_who_leaves_is_found_without_asking_all_who_wait() -> None:
    few, many = (min(seconds_to_leave(number) for _ in range(3)) for number in (2_000, 16_000))
    assert many < 24 * few  # eight times as many; where each asks all who stand before, it is 64 times as long


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
