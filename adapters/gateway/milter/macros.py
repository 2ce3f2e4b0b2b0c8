"""What a mail server tells beside its commands: names and values, each set for the command that follows."""

from typing import Final

from huissier.adapters.gateway.milter.negotiation import ASKED_FOR
from huissier.adapters.gateway.milter.packets import Command, MalformedError, strings

_COMMANDS: Final = frozenset(Command)
_LONGEST: Final = 4_000  # no address is half as long, so a text cut here is still none
_OF_A_MESSAGE = (
    Command.MAIL,
    Command.RECIPIENT,
    Command.DATA,
    Command.HEADER,
    Command.END_OF_HEADERS,
    Command.BODY,
    Command.END_OF_MESSAGE,
)


class Macros:
    """The macros of one SMTP session that still hold."""

    def __init__(self) -> None:
        """Start without any."""
        self._values: dict[str, dict[str, str]] = {}

    def define(self, data: bytes) -> None:
        """Take a command's macros, in place of those it had. Raises `MalformedError`."""
        pairs = [text.decode("utf-8", "replace") for text in strings(data[1:])] if len(data) > 1 else []
        if not data or len(pairs) % 2:
            raise MalformedError("macros are a command's letter, names and values")
        named = zip(map(_bare, pairs[::2]), pairs[1::2], strict=True)
        if (command := chr(data[0])) in _COMMANDS:
            self._values[command] = {name: value[:_LONGEST] for name, value in named if name in ASKED_FOR}

    def value(self, name: str, *commands: Command) -> str:
        """Return a macro's value as the first of some commands tells it, or an empty text."""
        return next((found for command in commands if (found := self._values.get(command, {}).get(name))), "")

    def queue_id(self) -> str:
        """Return the message's name in the server's queue, as told last; there is none before the first recipient."""
        return self.value("i", *reversed(_OF_A_MESSAGE))

    def take(self, name: str, command: Command) -> str:
        """Return a macro's value, or an empty text, and forget it: it holds for one command."""
        return self._values.get(command, {}).pop(name, "")

    def forget_message(self) -> None:
        """Forget those of a message."""
        for command in _OF_A_MESSAGE:
            self._values.pop(command, None)


def _bare(name: str) -> str:
    return name.removeprefix("{").removesuffix("}")
