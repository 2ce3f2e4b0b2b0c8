"""What checkpoints say of a log that is reported on: which of its facts are those that were signed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from huissier.adapters.evidence.checkpoint import Head, Submitted
from huissier.adapters.evidence.examining import Examination, Seen
from huissier.adapters.evidence.note import VerifierKey
from huissier.adapters.evidence.verifying import Verified
from huissier.adapters.integrity.findings import Problem

# not-checked: there is no checkpoint. signed: as it was signed. named: as an unchecked signature says. behind: no
# checkpoint reaches so far. doubtful: one does, but the log is not the one it speaks of.
Proven = Literal["not-checked", "signed", "named", "behind", "doubtful"]

Compare = Callable[[Sequence[Head]], Verified]


class Given(NamedTuple):
    """A checkpoint by its file's name."""

    file: str
    submitted: Submitted

    @property
    def head(self) -> Head:
        """What it says."""
        return self.submitted.checkpoint.head


class Compared(Struct, frozen=True):
    """A checkpoint, who signed it as far as that was checked, and whether the log is the one it speaks of."""

    file: str
    head: Head
    signed_by: tuple[Seen, ...]
    agrees: bool


class Evidence(Struct, frozen=True):
    """What was compared; `is_keyed`: against verifier keys. `problems` are what is wrong, in order of position."""

    checkpoints: tuple[Compared, ...] = ()
    is_keyed: bool = False
    events: int = 0
    signed: int = 0
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reaches(self) -> int:
        """The last position that a checkpoint speaks of."""
        return max((one.head.size for one in self.checkpoints), default=0)

    def of(self, position: int) -> Proven:
        """Say what the checkpoints prove of a fact."""
        if not self.checkpoints:
            return "not-checked"
        if position <= self.signed:
            return "signed" if self.is_keyed else "named"
        return "doubtful" if position <= self.reaches else "behind"


def evidence_of(given: Sequence[Given], keys: Sequence[VerifierKey], compare: Compare) -> Evidence:
    """Compare a log with checkpoints, each of which every key must have signed, where there are keys.

    A checkpoint that lacks a signature is a problem and says nothing of the log. `compare` hashes the log. Raises
    `UnreadableEvidenceError`.
    """
    problems: list[Problem] = []
    signed = list(_signed(given, keys, problems)) if keys else [(one, ()) for one in given]
    if not signed:
        return Evidence(is_keyed=bool(keys), problems=tuple(problems))
    verified = compare([one.head for one, _ in signed])
    return Evidence(
        checkpoints=tuple(Compared(one.file, one.head, by, one.head.size <= verified.signed) for one, by in signed),
        is_keyed=bool(keys),
        events=verified.events,
        signed=verified.signed,
        problems=(*problems, *verified.problems),
        notes=verified.notes,
    )


def _signed(
    given: Sequence[Given], keys: Sequence[VerifierKey], problems: list[Problem]
) -> Iterator[tuple[Given, tuple[Seen, ...]]]:
    """Yield those that every key has signed; add to `problems` what is wrong with the others, and between them."""
    examination = Examination(keys)
    for one in given:
        found = examination.checkpoint(one.file, one.submitted)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            yield one, found.signed_by
    problems.extend(examination.contradictions(has_store=True))
