"""Facts of a log found and changed by hand, and what a replay says of them."""

from collections.abc import Callable, Sequence
from typing import Any

from huissier.adapters.audit.replay.replaying import Difference
from huissier.adapters.audit.replay.sources import Row
from huissier.adapters.log import codec
from huissier.domain.events import AnyEvent
from tests.replay.told import RowsSource

Changed = Callable[[Any], AnyEvent]


def place_of(log: RowsSource, kind: type[AnyEvent], id_: str = "") -> int:
    for row in log.facts:
        event = codec.decode(row.data, row.position).event
        if isinstance(event, kind) and (not id_ or getattr(event, "id", id_) == id_):
            return row.position
    raise AssertionError(f"no {kind.__name__} {id_}")


def changed(log: RowsSource, position: int, change: Changed) -> RowsSource:
    """Return the log with another fact at a position, under tags of its own."""

    def rewritten(row: Row) -> Row:
        if row.position != position:
            return row
        stored = codec.decode(row.data, position)
        event = codec.encode(change(stored.event), stored.recorded_at)
        return Row(position, event.data, list(event.tags))

    return RowsSource([rewritten(row) for row in log.facts], log.head)


def fields(found: Sequence[Difference], position: int) -> list[str]:
    return [one.field for one in found if one.position == position]
