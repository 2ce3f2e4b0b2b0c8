"""What a leaf of the tree is: all that the log stores of an event but its position, which is the leaf's place.

    ["message-decided.v1","submission:m-1"]
    {"recorded_at":"2026-10-31T09:00:01Z","event":{…}}

A first line with the type and the tags in order of their characters, each once, as a JSON array in the form of
RFC 8785; then the stored bytes as they are. Since that form never holds a line's end, no two events have one leaf.

Type and tags stand there because decisions look events up by them: whoever changed them unseen would change what
decisions see. Both also follow from the bytes, which `store check` compares; but a proof must not depend on what a
later version takes an event's tags to be.
"""

from collections.abc import Sequence

import msgspec

_encode = msgspec.json.Encoder().encode


def leaf_of(kind: str, tags: Sequence[str], data: bytes) -> bytes:
    """Return the bytes of a leaf."""
    return _encode([kind, *in_order(tags)]) + b"\n" + data


def in_order(tags: Sequence[str]) -> Sequence[str]:
    """Return tags as they are hashed: each once, in order of their code points."""
    return sorted(set(tags)) if len(tags) > 1 else tags


def leaf_of_row(kind: object, tags: Sequence[str] | None, data: object) -> bytes | None:
    """Return the leaf of columns that somebody may have changed; None where they cannot be an event's.

    A text counts as the bytes it is written with, as it does when an event is decoded.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if tags is None or not isinstance(kind, str) or not isinstance(raw, bytes):
        return None
    return leaf_of(kind, tags, raw)


def data_of(leaf: bytes) -> bytes:
    """Return an event's stored bytes from its leaf."""
    return leaf.partition(b"\n")[2]


def is_under(kind: str, leaf: bytes) -> bool:
    """Say whether a leaf is of an event of a type."""
    return leaf.startswith(_encode([kind])[:-1])
