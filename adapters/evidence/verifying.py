"""A log compared with what was signed of it: every leaf hashed again, in constant memory.

It takes leaves from wherever they come, a store, a recorder or an archive. A root says that something is wrong before
it, not where; the nodes that were kept beside a store may say where. They are the owner's, so they only decide which
position is named, and never speak against a checkpoint.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from huissier.adapters.evidence.checkpoint import Head
from huissier.adapters.evidence.tree import BLOCK, Frontier, Hash, leaf_hash, root_of
from huissier.adapters.integrity.findings import Findings, Problem

Leaf = tuple[int, bytes | None]
Progress = Callable[[int], None]
Kept = Callable[[int], Sequence[Hash] | None]


class Verified(Struct, frozen=True):
    """How many events were read, how many of them are as they were signed, what is wrong, what is worth knowing.

    Problems are in order of their positions; the first one is the first bad position.
    """

    events: int
    signed: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def nothing_kept(_block: int) -> Sequence[Hash] | None:
    """Know no nodes."""
    return None


class LogVerifier:
    """Takes in leaves in their order; `signed` is the position up to which they agree with a checkpoint."""

    def __init__(self, heads: Iterable[Head], findings: Findings, kept: Kept = nothing_kept) -> None:
        """Compare with checkpoints' heads, and with the leaf hashes kept of complete blocks, where there are any.

        A head without an origin was signed by nobody: it is that of a tree kept beside the log.
        """
        self._heads = sorted(heads, key=lambda head: head.size, reverse=True)
        self._findings = findings
        self._kept = kept
        self._frontier = Frontier()
        self._tail: list[Hash] = []
        self._is_lost = False
        self._changed: int | None = None
        self.events = 0
        self.signed = 0
        self._compare()

    @property
    def size(self) -> int:
        """How many leaves stand without a gap from the first position on."""
        return self._frontier.size + len(self._tail)

    def take_in(self, leaves: Iterable[Leaf], progress: Progress = lambda _: None) -> None:
        """Hash positions and leaves, None for one that cannot be read. Behind a gap nothing more can be said."""
        for position, leaf in leaves:
            self.events += 1
            if self._is_lost:
                continue
            if leaf is None or position != self.size + 1:
                self._lose(position)
                continue
            self._tail.append(leaf_hash(leaf))
            if self._heads and self._heads[-1].size == self.size:
                self._compare()
            if len(self._tail) == BLOCK:
                self._end_block()
                progress(self.size)

    def end(self) -> None:
        """Tell what can be told only at the end."""
        if not self._is_lost:
            self._look_for_change()
        missing = self._heads[0].size if self._heads else 0
        if not self._is_lost and self.size < missing:
            self._findings.problem(f"is missing: the log ends here, and {missing} events were signed", self.size + 1)
            if self._changed is None and self.signed < self.size:
                untold = f"from {self.signed + 1} to {self.size}"
                self._findings.note(f"whether the events at positions {untold} are those that were signed is not told")
        elif not self._is_lost and self._kept(self._frontier.size // BLOCK) is not None:
            self._findings.problem("is missing: the tree beside the store knows of it", self.size + 1)
        if self._changed is not None:
            what = "is not the event that was here when the tree beside the store was made"
            self._findings.problem(what, self._changed)

    def lose(self, what: str, position: int) -> None:
        """Say what is wrong at a position, from which on there are no leaves."""
        self._is_lost = True
        self._findings.problem(what, position)

    def _lose(self, position: int) -> None:
        expected = self.size + 1
        if position == expected:
            self.lose("the event cannot be read", position)
        elif position > expected:
            self.lose("is missing", expected)
        else:
            self.lose("stands before or beside the one it should follow", position)

    def _end_block(self) -> None:
        self._look_for_change()
        self._frontier.add(root_of(self._tail))
        self._tail = []

    def _look_for_change(self) -> None:
        """Find the first leaf that is not the one kept, in the block that is being read."""
        if self._changed is not None:
            return
        kept = self._kept(self._frontier.size // BLOCK)
        if kept is not None and list(kept) != self._tail:
            for position, (before, now) in enumerate(zip(kept, self._tail, strict=False), self._frontier.size + 1):
                if before != now and position > self.signed:
                    self._changed = position
                    return

    def _compare(self) -> None:
        """Compare the root with the heads of this size."""
        while self._heads and self._heads[-1].size == self.size:
            head = self._heads.pop()
            if self._is_lost:
                return
            if self._frontier.root(self._tail) != head.root:
                self._look_for_change()
                self._name(head)
                self._is_lost = True
            else:
                self._confirm()

    def _confirm(self) -> None:
        self.signed = self.size
        if self._changed is not None:
            self._findings.note(
                f"the tree beside the store is not of this log at position {self._changed}, which is as it was signed:"
                " build it again with `huissier projections rebuild tree`"
            )
            self._changed = None

    def _name(self, head: Head) -> None:
        first, signed = self.signed + 1, "signed" if head.origin else "hashed"
        if first > head.size:
            self._findings.problem(f"two checkpoints of {head.size} events have different roots")
        elif self._changed is not None:
            what = f"is not the event that was {signed} at {head.size} events"
            self._findings.problem(what, self._changed)
            self._changed = None
        elif first == head.size:
            self._findings.problem(f"is not the event that was {signed}", first)
        else:
            self._findings.problem(f"is not the event that was {signed}, or one up to {head.size} is not", first)


def verified(verifier: LogVerifier, findings: Findings) -> Verified:
    """Return what was found."""
    report = findings.report(verifier.events, verifier.size)
    problems = sorted(report.problems, key=lambda problem: (problem.position or 0, problem.what))
    return Verified(report.events, verifier.signed, tuple(problems), report.notes)
