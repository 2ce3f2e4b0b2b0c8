"""Lists for PostgreSQL, written in one go: the driver looks at each element, which costs more than its row does."""

from typing import Any, Final

from psycopg.abc import AdaptContext, Buffer
from psycopg.types.array import ListDumper

_INTEGERS: Final = {int}
_TEXTS: Final = {str}


class _Lists(ListDumper):
    """A list of integers or of texts without quotes and backslashes; others are left to the driver."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        kinds = set(map(type, obj))
        if kinds == _INTEGERS:
            return f"{{{repr(obj)[1:-1]}}}".encode()
        if kinds == _TEXTS:
            text = '","'.join(obj)
            if "\\" not in text and text.count('"') == 2 * (len(obj) - 1):
                return f'{{"{text}"}}'.encode()
        return super().dump(obj)


def register(context: AdaptContext) -> None:
    """Have a connection, whose encoding is UTF-8, write lists that way."""
    context.adapters.register_dumper(list, _Lists)
