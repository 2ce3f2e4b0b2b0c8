"""One connection of a mail server, which is one SMTP session with any number of messages.

At RCPT each recipient is let pass or refused by itself; at the end of the message it is recorded for all of them, or
refused for all. "Accept" is never answered: at RCPT it would end the filtering of the whole message.
"""

import re
import secrets
from collections.abc import AsyncIterator
from string import ascii_lowercase
from typing import Final

from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.milter.answers import CONTINUE, added_header, removed_headers, verdict
from huissier.adapters.gateway.milter.macros import Macros
from huissier.adapters.gateway.milter.message import Message
from huissier.adapters.gateway.milter.negotiation import Terms, negotiate
from huissier.adapters.gateway.milter.packets import Command, MalformedError, Packet, Packets, strings
from huissier.adapters.gateway.replies import OUT_OF_STEP, Reply
from huissier.adapters.gateway.settings import MilterSection
from huissier.adapters.gateway.transaction import Peer
from huissier.adapters.gateway.watching import in_sight_of
from huissier.adapters.xtext import from_xtext

_ROUTES: Final = frozenset(b"%!\\")
_ROUTE_IN_FRONT: Final = re.compile(rb"<?@[^:]*:")  # the server takes it off before it queues the address
_SIZE: Final = re.compile(rb"SIZE=([0-9]{1,20})", re.IGNORECASE)


class MilterSession:
    """Answers command by command; whatever is malformed closes the connection."""

    def __init__(self, gateway: Gateway, section: MilterSection) -> None:
        """`section` holds as long as the connection."""
        self._gateway = gateway
        self._decision_header = section.decision_header
        self._is_cert_subject_whole = section.cert_subject == "distinguished-name"
        self._packets = Packets()
        self._terms: Terms | None = None
        self._begin()
        self.is_over = False

    def _begin(self) -> None:
        """Begin an SMTP session."""
        self._name = "".join(secrets.choice(ascii_lowercase) for _ in range(16))  # digits could look like an INS
        self._messages = 0
        self._macros = Macros()
        self._message: Message | None = None

    @property
    def at_rest(self) -> bool:
        """Whether no command is half received and no message under way."""
        return self._packets.is_between and self._message is None

    async def answers(self, received: bytes) -> AsyncIterator[bytes]:
        """Yield the answers to each command."""
        try:
            for packet in self._packets.feed(received):
                for answer in await self._answers(packet):
                    yield answer
                if self.is_over:
                    return
        except MalformedError as problem:
            self._gateway.watch.failed(problem)
            self._drop_message()
            self.is_over = True

    def closed(self) -> None:
        """Drop what was under way: one connection is one SMTP session."""
        self._drop_message()

    async def _answers(self, packet: Packet) -> list[bytes]:
        """Return exactly one answer where one is waited for, and edits before it."""
        if packet.command is Command.NEGOTIATE:
            return [self._negotiated(packet.data)]
        if self._terms is None:
            raise MalformedError("nothing was agreed on yet")
        if packet.command is Command.RECIPIENT:
            return [await self._recipient(packet.data)]
        if packet.command is Command.END_OF_MESSAGE:
            return await self._end_of_message(packet.data)
        self._take(packet)
        return [CONTINUE] if self._terms.wants_answer(packet.command) else []

    def _negotiated(self, offer: bytes) -> bytes:
        self._drop_message()
        self._begin()
        self._terms, answer = negotiate(offer, edits_headers=bool(self._decision_header))
        return answer

    def _take(self, packet: Packet) -> None:
        match packet.command:
            case Command.MACROS:
                self._macros.define(packet.data)
            case Command.MAIL:
                self._mail(packet.data)
            case Command.HEADER:
                self._header(packet.data)
            case Command.BODY if self._message is not None:
                self._message.add_body(packet.data)
            case Command.ABORT:  # also sent after a message that came to its end: nothing is taken back
                self._drop_message()
                self._macros.forget_message()
            case Command.QUIT:
                self._drop_message()
                self.is_over = True
            case Command.QUIT_NEW_CONNECTION:
                self._drop_message()
                self._begin()
            case _:
                pass

    def _mail(self, data: bytes) -> None:
        """Begin a message; the sender is whom the server names, or what the client typed where it names nobody."""
        self._drop_message()
        typed, *parameters = strings(data)
        sender = _sender(typed, self._macros.value("mail_addr", Command.MAIL))
        peer, queue_id = self._peer(), self._macros.value("i", Command.MAIL)
        by_smtp = self._comes_by_smtp(typed)
        self._macros.forget_message()  # those of the message before must not be taken for this one's
        self._messages += 1
        transaction = self._gateway.begin(f"{self._name}.{self._messages}", sender, peer)
        self._message = Message(transaction, queue_id, _declared_size(parameters), comes_by_smtp=by_smtp)

    def _comes_by_smtp(self, typed: bytes) -> bool:
        """Say whether an SMTP client sends it, and not a program that handed its mail to sendmail(1).

        For the latter Postfix tells port 0, and writes angle brackets only around an empty address. Clients may leave
        brackets out, and a proxy may not know its client's port. Where no port is told, the brackets alone decide.
        """
        port = self._macros.value("client_port", Command.MAIL, Command.CONNECT)
        return port not in ("", "0") or (typed.startswith(b"<") and not (port and typed == b"<>"))

    def _peer(self) -> Peer:
        """Return what was told of the peer at any step; a trusted certificate without a name still has an issuer."""
        subject, issuer, login = (
            self._macros.value(macro, Command.MAIL, Command.HELO, Command.CONNECT) or None
            for macro in ("cert_subject", "cert_issuer", "auth_authen")
        )
        name = "" if subject is None and issuer else subject
        if self._is_cert_subject_whole:
            return Peer(certificate_dn=name and from_xtext(name), login=login)
        return Peer(certificate_cn=name, login=login)

    async def _recipient(self, data: bytes) -> bytes:
        """Decide on the address that the server resolved, for that is where the message goes.

        Postfix cannot refuse a single recipient of mail that does not come by SMTP: it would try again for ever.
        """
        typed = _bare(strings(data)[0])
        resolved = self._macros.take("rcpt_addr", Command.RECIPIENT)
        if self._message is None:
            return self._verdict(OUT_OF_STEP)
        transaction, size = self._message.transaction, self._message.declared_size
        if not self._message.comes_by_smtp:
            return self._verdict(transaction.unasked(resolved or typed))
        return self._verdict(await transaction.recipient(resolved or typed, size=size))

    def _header(self, data: bytes) -> None:
        match strings(data):
            case [name, value]:
                if self._message is not None:
                    self._message.add_header(name, value, self._decision_header)
            case _:
                raise MalformedError("a header is a name and a value")

    async def _end_of_message(self, last_chunk: bytes) -> list[bytes]:
        message, self._message = self._message, None
        if message is None:
            return [self._verdict(OUT_OF_STEP)]
        message.add_body(last_chunk)
        reply = await message.decided(self._macros.queue_id() or message.queue_id)
        self._macros.forget_message()
        edits = self._edits(message.forged, reply.decision) if reply.kind == "pass" else []
        return [*edits, self._verdict(reply)]

    def _verdict(self, reply: Reply) -> bytes:
        return verdict(in_sight_of(self._gateway.watch, reply))

    def _edits(self, forged: int, decision: str | None) -> list[bytes]:
        if not self._decision_header:
            return []
        added = [] if decision is None else [added_header(self._decision_header, decision)]
        return [*removed_headers(self._decision_header, forged), *added]

    def _drop_message(self) -> None:
        if self._message is not None and self._message.transaction.let_through:
            self._gateway.watch.abandoned()
        self._message = None


def _sender(typed: bytes, resolved: str) -> str:
    """Return whom a message is from: the server's resolved address, or what was typed where that holds a route.

    A server resolves `a%b@here`, `b!a@here` and `a@b@here` to `a@b` but keeps what was typed in its queue, so an answer
    would not go to `a@b`.
    """
    in_front = _ROUTE_IN_FRONT.match(typed)
    address = typed[in_front.end() :] if in_front else typed
    quoted = address.rpartition(b'"')[0]
    routes = not _ROUTES.isdisjoint(typed) or address.count(b"@") > 1 or b"@" in quoted
    return _bare(typed) if typed == b"<>" or routes else resolved or _bare(typed)


def _bare(address: bytes) -> str:
    """Return what stands between angle brackets, as text; bytes that are not UTF-8 leave no address."""
    return address.decode("utf-8", "replace").removeprefix("<").removesuffix(">")


def _declared_size(parameters: list[bytes]) -> int | None:
    """Return the size that a client declares for its message (RFC 1870), if it does."""
    sizes = [int(matched[1]) for matched in map(_SIZE.fullmatch, parameters) if matched]
    return max(sizes, default=None)
