"""What an archive's rows hold: all that a leaf of the tree holds, and beside it typed columns for queries.

`recorded_at`, `at` and `leaf` follow from the rest. Reading a row derives them again and compares, so that a query
never rests on what was not signed. For the same reason tags stand as they are hashed, each once and in order: the hash
does not tell how often a log has one, or where. `leaf` is the beginning of the leaf's hash: eight bytes reveal an
accidental change as well as 32 would, and neither stops an attacker, who would compute them anew.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final, NamedTuple

import msgspec

from huissier.adapters.archive.parquet import pa
from huissier.adapters.errors import CorruptStoreError
from huissier.adapters.evidence.leaf import in_order, leaf_of_row
from huissier.adapters.evidence.tree import Hash, leaf_hash
from huissier.adapters.log.port import Whole
from huissier.domain.vocabulary.times import Time

LEAF_LENGTH: Final = 8
BOUNDED: Final = ("position", "recorded_at", "at", "type")  # a query skips groups of rows by their bounds

SCHEMA: Final = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("recorded_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("tags", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
        pa.field("data", pa.string(), nullable=False),
        pa.field("leaf", pa.binary(LEAF_LENGTH), nullable=False),
    ]
)


class Block(NamedTuple):
    """Consecutive rows that were recorded in one month (`2026-10`)."""

    month: str
    batch: pa.RecordBatch


class _Happened(msgspec.Struct):
    at: Time


class _Times(msgspec.Struct):
    """The part of a stored event that says when; events of every version have it."""

    recorded_at: Time
    event: _Happened


_decode_times = msgspec.json.Decoder(_Times).decode


def blocks_of(rows: Sequence[Whole]) -> Iterator[Block]:
    """Yield the rows of a log as those of an archive, month by month.

    Raises `CorruptStoreError` for an event that cannot be read, naming its position.
    """
    times = [_times_of(*row) for row in rows]
    start = 0
    for (year, month), same in groupby(times, key=lambda one: (one.recorded_at.year, one.recorded_at.month)):
        end = start + sum(1 for _ in same)
        yield Block(f"{year:04}-{month:02}", _batch(rows[start:end], times[start:end]))
        start = end


def rows_of(batch: pa.RecordBatch) -> list[Whole]:
    """Return the rows of an archive as those of a log, but for the order of their tags."""
    tags = batch["tags"]
    ends, texts = tags.offsets.to_pylist(), tags.values.to_pylist()
    return list(
        zip(
            batch["position"].to_pylist(),
            batch["type"].to_pylist(),
            _bytes_in(batch["data"]),
            (texts[first:behind] for first, behind in pairwise(ends)),
            strict=True,
        )
    )


def beginning_of(leaf: Hash) -> bytes:
    """Return what an archive keeps of a leaf's hash."""
    return leaf[:LEAF_LENGTH]


def _times_of(position: int, _kind: str, data: bytes, _tags: list[str]) -> _Times:
    try:
        return _decode_times(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
        raise _unreadable(position) from None


def _batch(rows: Sequence[Whole], times: Sequence[_Times]) -> pa.RecordBatch:
    positions, kinds, data, tags = zip(*rows, strict=True)
    happened: list[datetime] = [one.event.at for one in times]
    try:
        columns = [
            pa.array(positions, pa.int64()),
            pa.array([one.recorded_at for one in times], pa.timestamp("us", "UTC")),
            pa.array(happened, pa.timestamp("us", "UTC")),
            pa.array(kinds, pa.string()),
            pa.array(map(in_order, tags), SCHEMA.field("tags").type),
            pa.array(data, pa.string()),
            pa.array([_leaf(row) for row in rows], pa.binary(LEAF_LENGTH)),
        ]
    except (pa.ArrowException, UnicodeEncodeError):  # some text in them is not valid
        if len(rows) == 1:
            raise _unreadable(rows[0][0]) from None
        return pa.concat_batches([_batch([row], [time]) for row, time in zip(rows, times, strict=True)])
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _leaf(row: Whole) -> bytes:
    position, kind, data, tags = row
    leaf = leaf_of_row(kind, tags, data)
    if leaf is None:
        raise _unreadable(position)
    return beginning_of(leaf_hash(leaf))


def _bytes_in(texts: pa.StringArray) -> Iterator[bytes]:
    """Yield texts as they are stored, without decoding them."""
    _, offsets, content = texts.buffers()
    ends = memoryview(offsets).cast("i")[texts.offset : texts.offset + len(texts) + 1].tolist()
    stored = memoryview(content or b"")
    return (bytes(stored[first:behind]) for first, behind in pairwise(ends))


def _unreadable(position: int) -> CorruptStoreError:
    return CorruptStoreError(f"the event at position {position} cannot be read")
