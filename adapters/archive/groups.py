"""Groups of rows: how an export writes one to a file, and what a file may say of it, derived from its rows."""

from typing import Any, Final

from huissier.adapters.archive.columns import BOUNDED
from huissier.adapters.archive.parquet import pa, pc
from huissier.adapters.archive.thrift import Struct

ROWS_A_GROUP: Final = 65_536
MANNER: Final[dict[str, Any]] = {
    "compression": "zstd",
    "use_dictionary": ["type"],  # the other columns hardly repeat themselves
    "write_statistics": list(BOUNDED),
    "version": "2.6",
}
_TEXTS: Final = ("type", "data")


class Rows:
    """What the rows of one group come to, as they are read."""

    def __init__(self, first: int) -> None:
        """Begin with a position."""
        self.first = first
        self.count = 0
        self._columns: dict[str, list[pa.Array]] = {name: [] for name in BOUNDED}
        self._lengths = {"type": 0, "data": 0, "tags": 0}
        self._tags = self._untagged = 0

    def take_in(self, batch: pa.RecordBatch) -> None:
        """Count the next rows, and keep what their bounds are made of."""
        self.count += len(batch)
        for name, parts in self._columns.items():
            parts.append(batch[name] if name in _TEXTS else batch[name].cast(pa.int64()))
        tags = batch["tags"].flatten()
        self._tags += len(tags)
        self._untagged += _asked("list_value_length", batch["tags"]).to_pylist().count(0)
        for name, texts in (("type", batch["type"]), ("data", batch["data"]), ("tags", tags)):
            self._lengths[name] += _asked("binary_length", texts).sum().as_py() or 0

    def values(self, name: str) -> int:
        """Return how many values a column has as Parquet counts them: an empty list counts as one."""
        return self._tags + self._untagged if name == "tags" else self.count

    def bounds(self, name: str, start: int, stop: int) -> Struct:
        """Return all that may be said of the bounds of some values: largest and smallest, twice; no null; exact."""
        found = _asked("min_max", pa.chunked_array(self._columns[name]).slice(start, stop - start)).as_py()
        low, high = _stored(found["min"]), _stored(found["max"])
        return {1: high, 2: low, 3: 0, 5: high, 6: low, 7: True, 8: True}

    def distinct(self, name: str) -> int:
        """Return how many values of a bounded column are different: as many as its dictionary has."""
        return len(pa.chunked_array(self._columns[name]).unique())

    def sizes(self, name: str) -> Struct:
        """Return all that may be said of a column's sizes: bytes, and how often each level occurs."""
        if name not in self._lengths:
            return {}
        levels = ([], []) if name != "tags" else (self._repeated, [self._untagged, self._tags])
        return {1: self._lengths[name], 2: levels[0], 3: levels[1]}

    @property
    def _repeated(self) -> list[int]:
        return [self.count, self.values("tags") - self.count]


def _asked(function: str, values: pa.Array | pa.ChunkedArray) -> Any:
    return pc.call_function(function, [values])


def _stored(value: int | str) -> bytes:
    return value.encode() if isinstance(value, str) else value.to_bytes(8, "little", signed=True)
