"""A log gone through by one process or several, each with a share of the work, and their findings in one order.

Every process reads and decodes the whole log: that costs little beside deciding. What it does with a fact depends on
its share. So nothing is handed from one process to another, and one that ran alone would find the same.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import islice
from typing import Final, Generic, NamedTuple, Protocol, TypeVar
from zlib import crc32

import msgspec

from huissier.adapters.audit.replay.sources import Row, Source
from huissier.adapters.child_process import Pipe, child_process, received
from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.log.port import Progress

PAGE: Final = 500
_WORTH_PROCESSES: Final = 20_000  # facts; a shorter log is done before more processes have started
Tally = Counter[tuple[str, ...]]  # how often something was done or found, by what and of what kind


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something found at a position of the log."""

    position: int


F = TypeVar("F", bound=Finding)
F_co = TypeVar("F_co", bound=Finding, covariant=True)


class Share(NamedTuple):
    """Which part of the work is done here, of how many."""

    number: int = 0
    of: int = 1

    def has(self, text: str) -> bool:
        """Say whether what belongs together under a text is in this share."""
        return self.of == 1 or crc32(text.encode()) % self.of == self.number

    def has_number(self, number: int) -> bool:
        """Say whether one of many numbered things that do not belong together is in this share."""
        return number % self.of == self.number


class Worker(Protocol[F_co]):
    """Takes facts in the order of the log; `tally` counts what was done."""

    tally: Tally

    def take(self, row: Row) -> Iterable[F_co]:
        """Return what is found at a fact."""
        ...


Work = Callable[[Share], AbstractContextManager[Worker[F]]]


class _Page(NamedTuple, Generic[F]):
    """What one worker found among the same rows as the others; the last page of each has its tally."""

    until: int
    found: list[F]
    tally: Tally | None = None


class Crew(Generic[F]):
    """One piece of work on a log up to a position; `tally` is complete when all findings were taken."""

    def __init__(self, source: Source, work: Work[F], *, until: int | None = None, jobs: int | None = None) -> None:
        """Use so many processes, by default all cores where the log is long enough."""
        self._source = source
        self._work = work
        self._until = source.head if until is None else min(until, source.head)
        self._jobs = _worth(self._until) if jobs is None else jobs
        self.tally: Tally = Counter()

    def findings(self, progress: Progress = lambda _done, _of: None) -> Iterator[F]:
        """Yield what is found, by position. Raises `StoreError`."""
        with ExitStack() as stack:
            for pages in zip(*self._workers(stack), strict=True):
                for page in pages:
                    self.tally.update(page.tally or {})
                yield from sorted((found for page in pages for found in page.found), key=lambda found: found.position)
                progress(pages[0].until, self._until)

    def _workers(self, stack: ExitStack) -> list[Iterator[_Page[F]]]:
        if self._jobs == 1:
            return [_pages(self._source, self._until, self._work, Share())]
        shares = [Share(number, self._jobs) for number in range(self._jobs)]
        pipes = [
            stack.enter_context(child_process(_send_pages, self._source, self._until, self._work, share))
            for share in shares
        ]
        return [_received_pages(pipe) for pipe in pipes]


def _worth(facts: int) -> int:
    return len(os.sched_getaffinity(0)) if facts >= _WORTH_PROCESSES else 1


def _pages(source: Source, until: int, work: Work[F], share: Share) -> Iterator[_Page[F]]:
    with work(share) as worker:
        rows, last = iter(source.rows(until)), 0
        while page := list(islice(rows, PAGE)):
            last = page[-1].position
            yield _Page(last, [found for row in page for found in worker.take(row)])
        if last < until:
            raise CorruptStoreError(f"the event at position {last + 1} is missing")
        yield _Page(until, [], worker.tally)


def _send_pages(pipe: Pipe, source: Source, until: int, work: Work[F], share: Share) -> None:
    for page in _pages(source, until, work, share):
        pipe.send(page)


def _received_pages(pipe: Pipe) -> Iterator[_Page[F]]:
    while True:
        page: _Page[F] = received(pipe)
        yield page
        if page.tally is not None:
            return
