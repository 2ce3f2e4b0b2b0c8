"""The tag index compared with the events: every tag of every event has its row, and there is no other row.

Both sides are read once, each in its own order, and summed up for some positions at a time. Only where the sums
differ are rows looked for one by one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from huissier.adapters.integrity.findings import Findings
from huissier.adapters.integrity.log_rows import LogRows
from huissier.adapters.log.session import Session
from huissier.domain.vocabulary.ins import mentions_ins

_PAGE: Final = 5000
_POSITIONS_A_SUM: Final = 1000
_DECIDED: Final = "message-decided."
_SUBMISSION: Final = "submission:"

_ROWS: Final = (
    "SELECT t.tag, t.type, t.position FROM tags t"
    " WHERE (t.tag, t.type, t.position) > (?, ?, ?) ORDER BY t.tag, t.type, t.position LIMIT ?"
)
_WITH_EVENTS: Final = (
    "SELECT t.tag, t.type, t.position, e.type, e.tags FROM tags t LEFT JOIN events e ON e.position = t.position"
    " WHERE (t.tag, t.type, t.position) > (?, ?, ?) ORDER BY t.tag, t.type, t.position LIMIT ?"
)
_FIND: Final = "SELECT 1 FROM tags WHERE tag = ? AND type = ? AND position = ?"

_decode = msgspec.json.Decoder(list[str]).decode


class TagRow(NamedTuple):
    """A row of the tag index."""

    tag: Any
    type: Any
    position: Any


_FIRST: Final = TagRow("", "", -(2**63))


def read_tags(column: object) -> list[str] | None:
    """Return the tags in an event's column; None where they cannot be decoded."""
    try:
        return _decode(column) if isinstance(column, str | bytes) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class TagIndex:
    """Compares the index with the events."""

    def __init__(self, session: Session, log: LogRows, findings: Findings) -> None:
        """Read through a session."""
        self._session = session
        self._log = log
        self._findings = findings
        self._sums: defaultdict[int, int] = defaultdict(int)

    def expect(self, tags: Iterable[str], kind: Any, position: int) -> None:
        """Take in the rows that one event should have: one for each of its tags, however often it stands there."""
        for tag in dict.fromkeys(tags):
            self._sums[position // _POSITIONS_A_SUM] += hash((tag, kind, position))

    def end(self) -> None:
        """Tell which rows are missing or strange, and which submissions were decided again."""
        with self._findings.reading("the tag index"):
            self._take_away_what_is_there()
            different = sorted(block for block, left in self._sums.items() if left)
            for block in different:
                self._name_missing(block)
            if different:
                self._name_strange()

    def _take_away_what_is_there(self) -> None:
        before = _FIRST
        for values in self._pages(_ROWS):
            row = TagRow(*values)
            block = row.position // _POSITIONS_A_SUM if isinstance(row.position, int) else 0
            self._sums[block] -= hash(values)
            if row.tag == before.tag and _is_decision(before) and _is_decision(row):
                what = f"decides again the submission decided at position {before.position}"
                self._findings.problem(what, row.position)
            before = row

    def _name_missing(self, block: int) -> None:
        first = block * _POSITIONS_A_SUM
        for event in self._log.between(first, first + _POSITIONS_A_SUM - 1):
            for tag in dict.fromkeys(read_tags(event.tags) or ()):
                if self._session.scalar(_FIND, (tag, event.type, event.position)) is None:
                    self._findings.problem("a tag of the event is missing from the tag index", event.position)

    def _name_strange(self) -> None:
        for *values, event_type, column in self._pages(_WITH_EVENTS):
            row = TagRow(*values)
            what = _strange(row, event_type, column)
            if what is not None:
                position = row.position if isinstance(row.position, int) else None
                self._findings.problem(what, position)
                if mentions_ins(str(row.tag)):
                    self._findings.problem("a tag in the index looks like an INS", position)

    def _pages(self, query: str) -> Iterator[tuple[Any, ...]]:
        last: tuple[Any, ...] = _FIRST
        while page := list(self._session.rows(query, (*last[:3], _PAGE))):
            yield from page
            last = page[-1]


def _is_decision(row: TagRow) -> bool:
    return str(row.tag).startswith(_SUBMISSION) and str(row.type).startswith(_DECIDED)


def _strange(row: TagRow, event_type: Any, column: Any) -> str | None:
    """Return what is wrong with a row, given the type and the tags of its event."""
    if event_type is None:
        return "the tag index has a row of this position, where no event stands"
    if row.tag not in (read_tags(column) or ()):
        return "the tag index has a row for a tag that the event does not have"
    if row.type != event_type:
        return "the tag index has a row under another type than the event's"
    return None
