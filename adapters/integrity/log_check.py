"""The log from end to end: positions, events, types, tags, and that no INS stands anywhere."""

from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.integrity.findings import Findings
from huissier.adapters.integrity.log_rows import Row
from huissier.adapters.integrity.tag_index import TagIndex, read_tags
from huissier.adapters.integrity.texts import SeenTexts, mention_ins, texts_in, texts_in_wreck, usagers_in
from huissier.adapters.integrity.usagers import Usagers
from huissier.adapters.log import codec
from huissier.domain.events import AnyEvent, CommandRejected, UsagerErased
from huissier.domain.tags import tags_of
from huissier.domain.vocabulary.times import FIRST


class LogCheck:
    """Takes in the log page by page."""

    def __init__(self, index: TagIndex, usagers: Usagers, findings: Findings) -> None:
        """Compare with the tag index, gather the usagers the log speaks of, tell what is wrong."""
        self._index = index
        self._usagers = usagers
        self._findings = findings
        self._seen = SeenTexts()
        self._recorded_at = FIRST
        self._steps_back = 0
        self._first_step_back = 0
        self.events = 0
        self.head = 0

    def take_in(self, rows: list[Row]) -> None:
        """Check the next rows."""
        for row in rows:
            self._count(row.position)
            event = self._event_of(row)
            self._index.expect(self._tags_of(row, event), row.type, row.position)

    def end(self) -> None:
        """Tell what can be told only of all rows together."""
        self._index.end()
        if self._steps_back:
            where = f"first at position {self._first_step_back}, {self._steps_back} in all"
            self._findings.note(f"facts recorded earlier than the one before, {where}: a clock was set back")

    def _count(self, position: int) -> None:
        self.events += 1
        if position < 1:
            self._findings.problem("stands before position 1", position)
        elif position == self.head:
            self._findings.problem("stands twice", position)
        elif position == self.head + 2:
            self._findings.problem("is missing", position - 1)
        elif position > self.head + 1:
            self._findings.problem(f"is missing, and so are all up to position {position - 1}", self.head + 1)
        self.head = max(self.head, position)

    def _event_of(self, row: Row) -> AnyEvent | None:
        """Check one event and return it, None where it cannot be read."""
        data = row.data
        if isinstance(data, str):
            self._findings.problem("the event is stored as text, not as bytes", row.position)
            data = data.encode()
        if not isinstance(data, bytes):
            self._findings.problem("the event cannot be read", row.position)
            return None
        try:
            kind, stored = codec.type_in(data, row.position), codec.decode(data, row.position)
        except CorruptStoreError:
            self._findings.problem("the event cannot be decoded", row.position)
            self._look_for_ins(texts_in_wreck(data), data, row.position)
            return None
        if kind != row.type:
            self._findings.problem("the event is stored under another type than its own", row.position)
            self._look_for_ins({str(row.type)}, b"", row.position)
        self._look_into(stored.event, data, row.position)
        self._keep_time(stored, row.position)
        return stored.event

    def _look_into(self, event: AnyEvent, data: bytes, position: int) -> None:
        """Look for an INS in an event's texts, and gather the usagers it names.

        A rejected command may name somebody who never entered the vault.
        """
        texts = self._seen.new_in(texts_in(data))
        has_ins = self._look_for_ins(texts, data, position)
        if isinstance(event, UsagerErased):
            self._usagers.erase(event.usager, position)
        if not isinstance(event, CommandRejected):
            if usagers := usagers_in(texts):
                self._usagers.name(usagers, position)
            if not has_ins:
                self._seen.add(texts)

    def _look_for_ins(self, texts: set[str], data: bytes, position: int) -> bool:
        found = mention_ins(texts, data)
        if found:
            self._findings.problem("a text of the event looks like an INS", position)
        return found

    def _tags_of(self, row: Row, event: AnyEvent | None) -> list[str]:
        """Return the tags stored beside an event, and compare them with its own."""
        tags = read_tags(row.tags)
        if tags is not None and (event is None or sorted(tags) == sorted(tags_of(event))):
            return tags
        other = (
            "the event's tags cannot be decoded" if tags is None else "the event is stored with other tags than its own"
        )
        self._findings.problem(other, row.position)
        self._look_for_ins({str(row.tags)}, b"", row.position)
        return tags or []

    def _keep_time(self, stored: codec.Stored, position: int) -> None:
        if stored.recorded_at < self._recorded_at:
            self._steps_back += 1
            self._first_step_back = self._first_step_back or position
        self._recorded_at = stored.recorded_at
