"""Thrift's compact protocol, in which Parquet says what a file holds: structs as numbers, bytes and lists.

Pyarrow reads it too, but passes on only what it trusts: which of two bounds it takes, and whether any, depends on the
name of the program that wrote them. Another reader takes the other. So a file is looked at as it is written.
"""

from typing import Any, Final

Struct = dict[int, Any]  # by the number of the field

_LONGEST: Final = 10
_LONG_LIST: Final = 15


class MalformedError(Exception):
    """These bytes are no struct."""


def read_struct(data: Any, at: int) -> tuple[Struct, int]:
    """Return the struct that begins at a place of a buffer, and the place behind it. Raises `MalformedError`."""
    reader = _Reader(data, at)
    try:
        return reader.struct(), reader.at
    except (IndexError, RecursionError):
        raise MalformedError from None


class _Reader:
    def __init__(self, data: Any, at: int) -> None:
        self._data = data
        self.at = at

    def struct(self) -> Struct:
        found: Struct = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            if field in found:  # of two fields with one number, readers may take either
                raise MalformedError
            kind = head & 15
            found[field] = kind == 1 if kind in (1, 2) else self._value(kind)
        return found

    def _value(self, kind: int) -> Any:
        match kind:
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._signed()
            case 8:
                return self._bytes()
            case 9:
                return self._list()
            case 12:
                return self.struct()
            case _:  # doubles, sets and maps: nothing in Parquet is one
                raise MalformedError

    def _list(self) -> list[Any]:
        head = self._byte()
        count = self._number() if head >> 4 == _LONG_LIST else head >> 4
        return [self._value(head & 15) for _ in range(count)]

    def _bytes(self) -> bytes:
        length = self._number()
        found = bytes(self._data[self.at : self.at + length])
        if len(found) != length:
            raise MalformedError
        self.at += length
        return found

    def _signed(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)

    def _number(self) -> int:
        found = 0
        for place in range(_LONGEST):
            byte = self._byte()
            found |= (byte & 127) << 7 * place
            if byte < 128:  # the highest bit says that more follows
                return found
        raise MalformedError

    def _byte(self) -> int:
        byte: int = self._data[self.at]
        self.at += 1
        return byte
