"""Checks a command's fields, whoever made it: Python checks no types, and cleaning a text may lengthen it."""

from typing import TypeVar

import msgspec
from msgspec import structs

from huissier.adapters.errors import InvalidCommandError
from huissier.domain.commands import AnyCommand, Command
from huissier.domain.vocabulary.ins import without_ins

C = TypeVar("C", bound=Command)

msgspec.json.Decoder(AnyCommand)  # inspects all types now: threads that did so at the same time would crash the process


def validated(command: C) -> C:
    """Return the command with every field of its type. Raises `InvalidCommandError` naming the field."""
    if not isinstance(command, Command):
        raise InvalidCommandError("not a command")
    try:
        return msgspec.convert(structs.asdict(command), type(command))
    except UnicodeEncodeError:
        raise InvalidCommandError(f"{_unwritable_field(command)}: half a surrogate pair is no text") from None
    except (msgspec.ValidationError, ValueError, TypeError) as problem:
        raise InvalidCommandError(without_ins(str(problem))) from None


def _unwritable_field(command: Command) -> str:
    """Return the field whose text cannot be written, which the error of the library does not name."""
    for name, value in structs.asdict(command).items():
        try:
            str(value).encode()
        except UnicodeEncodeError:
            return name
    return "a field"
