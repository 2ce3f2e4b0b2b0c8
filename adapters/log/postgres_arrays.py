"""Arrays for PostgreSQL in its binary form, packed here: the driver's own way costs more than sending them.

The form: number of dimensions, whether there are nulls, the elements' type, length and lower bound, then each
element behind its length (`array_send` in PostgreSQL's source).
"""

from collections.abc import Iterable
from struct import Struct
from typing import Any, Final

from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD: Final = Struct("!iiIii").pack
_LENGTH: Final = Struct("!i").pack
_BIGINT: Final = Struct("!iq").pack


class Array(bytes):
    """An array as it is sent; each class is one type of element, by its number in `pg_type`."""

    ARRAY: int
    ELEMENT: int


class TextArray(Array):
    """`text[]`."""

    ARRAY, ELEMENT = 1009, 25


class ByteaArray(Array):
    """`bytea[]`."""

    ARRAY, ELEMENT = 1001, 17


class BigintArray(Array):
    """`bigint[]`."""

    ARRAY, ELEMENT = 1016, 20


def texts(elements: Iterable[str]) -> TextArray:
    """Pack texts."""
    return TextArray(_packed(TextArray.ELEMENT, [element.encode() for element in elements]))


def byteas(elements: list[bytes]) -> ByteaArray:
    """Pack bytes."""
    return ByteaArray(_packed(ByteaArray.ELEMENT, elements))


def bigints(elements: list[int]) -> BigintArray:
    """Pack integers of 64 bits."""
    head = _HEAD(1, 0, BigintArray.ELEMENT, len(elements), 1)
    return BigintArray(b"".join([head, *(_BIGINT(8, element) for element in elements)]))


def _packed(element_type: int, elements: list[bytes]) -> bytes:
    parts = [_HEAD(1, 0, element_type, len(elements), 1)]
    for element in elements:
        parts += (_LENGTH(len(element)), element)
    return b"".join(parts)


def register(context: AdaptContext) -> None:
    """Have a connection send arrays as they are packed."""
    for kind in (TextArray, ByteaArray, BigintArray):
        context.adapters.register_dumper(kind, _dumper_for(kind))


def _dumper_for(kind: type[Array]) -> type[Dumper]:
    class AsPacked(Dumper):
        format = Format.BINARY
        oid = kind.ARRAY

        def dump(self, obj: Any) -> bytes:
            return bytes(obj)

    return AsPacked
