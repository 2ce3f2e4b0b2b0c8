"""The whole measurement: who takes turns with whom, on which scratch stores, and what comes of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

import sqlalchemy as sa
from eventsourcing.dcb.api import DCBEvent

from huissier.adapters.bench.callers import Callers, check_accepted, new_key, scratch_engine
from huissier.adapters.bench.processes import processes
from huissier.adapters.bench.raw import RowByRow, driver_session, read_and_decode
from huissier.adapters.bench.replay import fold
from huissier.adapters.bench.scratch import scratch_stores
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Figure, Lap, Rounds, lap, rate, take_turns, within
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.session import Session

_HISTORIAN: Final = 1_000_000  # a seed nobody else has
_BATCH: Final = 500
_WARMING: Final = 3


class Plan(NamedTuple):
    """How much is measured: professionnels, submissions to replay, rounds, turns per round, seconds per turn."""

    people: int
    history: int
    rounds: int
    slices: int
    seconds: float

    @property
    def turns(self) -> int:
        """How many turns are taken in all."""
        return self.rounds * (6 * self.slices + 2)


USUAL: Final = Plan(people=300, history=50_000, rounds=5, slices=4, seconds=0.35)
QUICK: Final = Plan(people=10, history=200, rounds=5, slices=1, seconds=0.02)


class Findings(NamedTuple):
    """What was found; `ratios` are to the limit of the same run, round by round."""

    figures: list[Figure]
    ratios: dict[str, Figure]


def measure(store: str, plan: Plan, after_each: Callable[[], object] = lambda: None) -> Findings:
    """Measure what the disk or server of a store lets the engine do, and leave nothing there.

    `after_each` is called after each of the plan's turns. Raises `StoreError`.
    """
    key, town = new_key(), Town(plan.people)
    with scratch_stores(store) as new_store, ExitStack() as stack:
        two_processes = stack.enter_context(_two_processes(new_store(), key, town))
        row_by_row = stack.enter_context(_row_by_row(new_store(), key))
        url = new_store()
        engine = scratch_engine(url, key)
        callers = stack.enter_context(Callers(engine, town))
        town.settle(engine)
        _write(engine, town, plan.history)
        session = stack.enter_context(driver_session(url))
        replayed = take_turns(_replaying(engine, session), plan.rounds, after_each=after_each)
        deciding: dict[str, Callable[[float], Lap]] = {
            "raw": partial(row_by_row.commit, _last_event(engine)),
            "one_caller": callers.alone,
            "threads_8": partial(callers.threads, 8),
            "async_64": partial(callers.tasks, 64),
            "async_256": partial(callers.tasks, 256),
            "two_processes": two_processes,
        }
        for contestant in deciding.values():
            contestant(_WARMING * plan.seconds)  # not counted: first, files and caches reach their size
        timed = {name: partial(contestant, plan.seconds) for name, contestant in deciding.items()}
        decided = take_turns(timed, plan.rounds, slices=plan.slices, after_each=after_each)
    return _findings(decided, replayed)


def _replaying(engine: Engine, session: Session) -> dict[str, Callable[[], Lap]]:
    """Let the whole log be read twice: as fast as the driver and the decoder can, and folded."""
    return {
        "cursor": partial(lap, partial(read_and_decode, session), engine.head),
        "replay": partial(lap, partial(fold, engine.recorder), engine.head),
    }


def _write(engine: Engine, town: Town, submissions: int) -> None:
    """Write a history to replay, many decisions a commit."""
    story = islice(town.submissions(_HISTORIAN), submissions)
    while batch := list(islice(story, _BATCH)):
        for answer in engine.handle_many(batch):
            check_accepted(answer)


def _last_event(engine: Engine) -> DCBEvent:
    """Return the log's last fact as it is stored."""
    (last,) = engine.recorder.read(after=engine.head - 1)
    return last.event


@contextmanager
def _row_by_row(url: sa.URL, key: str) -> Iterator[RowByRow]:
    scratch_engine(url, key).close()
    with driver_session(url) as session:
        yield RowByRow(session)


@contextmanager
def _two_processes(url: sa.URL, key: str, town: Town) -> Iterator[Callable[[float], Lap]]:
    with scratch_engine(url, key) as engine:
        town.settle(engine)
    with processes(2, url, key, town, tasks=64) as ask:
        yield ask


def _findings(decided: dict[str, Rounds], replayed: dict[str, Rounds]) -> Findings:
    raw, *ours = [rate(name, "commits/s" if name == "raw" else "decisions/s", found) for name, found in decided.items()]
    waits = [
        within(f"{name}_{label}", share, decided[name])
        for name in ("async_64", "threads_8")
        for label, share in (("p50", 0.5), ("p99", 0.99))
    ]
    cursor, replay = [rate(name, "events/s", found) for name, found in replayed.items()]
    ratios = {figure.name: figure.over(raw) for figure in ours}
    return Findings([raw, *ours, *waits, cursor, replay], ratios | {replay.name: replay.over(cursor)})
