"""DCB queries as SQL: one text for each shape of query, values only ever as parameters."""

from functools import lru_cache

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

Shape = tuple[tuple[int, int], ...]
Parameters = tuple[str | int, ...]

_ALL = "SELECT position, type, data, tags FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"


def select_matching(query: DCBQuery, after: int, head: int | None, limit: int) -> tuple[str, Parameters]:
    """Return statement and parameters for at most `limit` matching events after a position, up to a head if given."""
    shape = tuple((len(item.types), len(item.tags)) for item in query.items)
    parameters: list[str | int] = []
    for item in query.items:
        parameters += _parameters(item, after)
    until = 2**63 - 1 if head is None else head
    return _statement(shape), (*parameters, after, until, limit)


def _parameters(item: DCBQueryItem, after: int) -> list[str | int]:
    if not item.tags:
        return [after, *item.types]
    parameters: list[str | int] = []
    for tag in item.tags:
        parameters += (tag, after, *item.types)
    return parameters


@lru_cache(maxsize=256)
def _statement(shape: Shape) -> str:
    if not shape:
        return _ALL
    items = " UNION ".join(f"SELECT position FROM ({_positions(types, tags)}) AS i" for types, tags in shape)  # noqa: S608 only marks
    # An event that the index knows but that is missing must not be passed over: it comes as a row of NULLs.
    return (
        f"SELECT m.position, e.type, e.data, e.tags FROM ({items}) AS m"  # noqa: S608 only marks
        " LEFT JOIN events e ON e.position = m.position"
        " WHERE m.position > ? AND m.position <= ? ORDER BY m.position LIMIT ?"
    )


def _positions(types: int, tags: int) -> str:
    """Select the positions that match one item: all its tags, and one of its types where it names any."""
    typed = f" AND type IN ({','.join('?' * types)})" if types else ""
    if not tags:
        return f"SELECT position FROM events WHERE position > ?{typed}"  # noqa: S608 only marks
    by_tag = f"SELECT position FROM tags WHERE tag = ? AND position > ?{typed}"  # noqa: S608 only marks
    return " INTERSECT ".join([by_tag] * tags)
