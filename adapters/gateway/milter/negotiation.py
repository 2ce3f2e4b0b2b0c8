"""What is agreed on first: which steps the mail server tells, which of them are answered, what may be edited.

Only what is needed is asked for. Where the server cannot do something indispensable, there is no agreement and the
connection closes: a filter that is only half there must not look like one.
"""

from enum import IntFlag
from typing import Final

from msgspec import Struct

from huissier.adapters.gateway.milter.packets import Command, MalformedError, numbers, packet

VERSION: Final = 6
_OLDEST: Final = 2


class NoAgreementError(MalformedError):
    """The mail server cannot do what is needed."""


class Action(IntFlag):
    """What a filter may do to a message (`SMFIF_…`)."""

    ADD_HEADERS = 0x01
    CHANGE_HEADERS = 0x10
    NAME_MACROS = 0x100


class Step(IntFlag):
    """Which steps are not told (`SMFIP_NO…`), and which are told and not answered (`SMFIP_NR_…`)."""

    NO_CONNECT = 0x01
    NO_HELO = 0x02
    NO_END_OF_HEADERS = 0x40
    SILENT_HEADER = 0x80
    NO_UNKNOWN = 0x100
    NO_DATA = 0x200
    SILENT_MAIL = 0x4000
    SILENT_BODY = 0x80000


_EDITS: Final = Action.ADD_HEADERS | Action.CHANGE_HEADERS
_WANTED: Final = Step(sum(Step))  # each spares the server a step, or a wait for an answer that says nothing
_SILENT: Final = {
    Command.HEADER: Step.SILENT_HEADER,
    Command.MAIL: Step.SILENT_MAIL,
    Command.BODY: Step.SILENT_BODY,
}
_ALWAYS_SILENT: Final = {Command.MACROS, Command.ABORT, Command.QUIT, Command.QUIT_NEW_CONNECTION}
_MACROS: Final = {
    2: b"{mail_addr} {client_port} {cert_subject} {cert_issuer} {auth_authen}",  # at MAIL
    3: b"{rcpt_addr} i",  # at RCPT
    5: b"i",  # at the end of the message
}
ASKED_FOR: Final = frozenset(name.strip("{}") for name in b" ".join(_MACROS.values()).decode().split())


class Terms(Struct, frozen=True):
    """What was agreed on."""

    silent: frozenset[Command]

    def wants_answer(self, command: Command) -> bool:
        """Say whether the server waits for an answer."""
        return command not in self.silent


def negotiate(offer: bytes, *, edits_headers: bool) -> tuple[Terms, bytes]:
    """Return the terms and what to answer to an offer. Raises `MalformedError`, or `NoAgreementError`."""
    version, actions, steps = _read(offer)
    needed = _EDITS if edits_headers else Action(0)
    if version < _OLDEST or needed & ~actions:
        raise NoAgreementError(f"the mail server speaks version {version} or cannot add and remove headers")
    names_macros = bool(version >= VERSION and actions & Action.NAME_MACROS)
    agreed = [min(version, VERSION), needed | (Action.NAME_MACROS if names_macros else 0), steps & _WANTED]
    answer = b"".join(number.to_bytes(4) for number in agreed) + (_named_macros() if names_macros else b"")
    silent = {command for command, step in _SILENT.items() if steps & step}
    return Terms(frozenset(_ALWAYS_SILENT | silent)), packet(Command.NEGOTIATE, answer)


def _read(offer: bytes) -> tuple[int, int, int]:
    found = numbers(offer[:12])
    if len(found) != 3:
        raise MalformedError("an offer names a version, actions and steps")
    return found[0], found[1], found[2]


def _named_macros() -> bytes:
    return b"".join(stage.to_bytes(4) + names + b"\0" for stage, names in _MACROS.items())
