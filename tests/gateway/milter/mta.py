"""The mail server's side of the milter protocol, written by hand from its description, apart from the code it tests."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import huissier
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.milter.session import MilterSession
from huissier.adapters.gateway.settings import MilterSection
from huissier.adapters.gateway.transaction import Policy
from huissier.adapters.gateway.watching import UNWATCHED, Watch
from huissier.adapters.log import codec
from huissier.adapters.testing.hospital import HOSPITAL, NOW, world
from huissier.domain.events import AnyEvent

POSTFIX_STEPS = 0x1FFFFF  # what Postfix 3.7 offers
POSTFIX_ACTIONS = 0x1FF
QUEUE_ID = "4dVQ7l1hZ4z4yTc"
POLICY = Policy(name="mx1", hosted=frozenset({HOSPITAL}))


def packet(letter: bytes, *parts: bytes) -> bytes:
    """Frame a command."""
    data = b"".join(parts)
    return struct.pack(">I", 1 + len(data)) + letter + data


def offer(version: int = 6, actions: int = POSTFIX_ACTIONS, steps: int = POSTFIX_STEPS) -> bytes:
    """Open the negotiation."""
    return packet(b"O", struct.pack(">III", version, actions, steps))


def macros(command: bytes, **values: str) -> bytes:
    """Define macros for a command; a name of several letters stands in braces."""
    named = [(f"{{{name}}}" if len(name) > 1 else name, value) for name, value in values.items()]
    return packet(b"D", command, *(f"{name}\0{value}\0".encode() for name, value in named))


def mail(sender: str, *parameters: str, **values: str) -> bytes:
    """Tell MAIL with its macros, as Postfix does."""
    words = "".join(f"{word}\0" for word in (f"<{sender}>", *parameters)).encode()
    return macros(b"M", **{"mail_addr": sender, **values}) + packet(b"M", words)


def rcpt(typed: str, resolved: str | None = None, **values: str) -> bytes:
    """Tell RCPT with its macros, as Postfix does."""
    named = {"rcpt_addr": typed if resolved is None else resolved, **values}
    return macros(b"R", **named) + packet(b"R", f"<{typed}>".encode(), b"\0")


def header(name: str, value: str) -> bytes:
    """Tell a header."""
    return packet(b"L", name.encode(), b"\0", value.encode(), b"\0")


def body(chunk: bytes) -> bytes:
    """Tell a piece of the body."""
    return packet(b"B", chunk)


def end(queue_id: str = QUEUE_ID, last_chunk: bytes = b"") -> bytes:
    """Tell the end of the message."""
    return macros(b"E", i=queue_id) + packet(b"E", last_chunk)


ABORT, QUIT, QUIT_NEW_CONNECTION = packet(b"A"), packet(b"Q"), packet(b"K")
CONTINUE = packet(b"c")


def refused(text: str) -> bytes:
    """Return the answer that refuses with an SMTP reply."""
    return packet(b"y", text.encode(), b"\0")


def split(answers: bytes) -> list[tuple[str, bytes]]:
    """Cut what was answered into letters and data; anything that is left over is a failure."""
    found = []
    while answers:
        (length,) = struct.unpack(">I", answers[:4])
        assert 1 <= length <= len(answers) - 4, "an answer is cut off"
        found.append((chr(answers[4]), answers[5 : 4 + length]))
        answers = answers[4 + length :]
    return found


class Conversation:
    """One connection to a session, without a socket."""

    def __init__(self, engine: AsyncEngine, gateway: Gateway, section: MilterSection) -> None:
        self.engine = engine
        self.session = MilterSession(gateway, section)

    async def tell(self, *told: bytes) -> bytes:
        """Return what is answered."""
        return b"".join([answer async for answer in self.session.answers(b"".join(told))])

    async def agreed(self) -> "Conversation":
        """Agree as with Postfix."""
        assert split(await self.tell(offer()))[0][0] == "O"
        return self

    @property
    def head(self) -> int:
        """How many facts there are."""
        return self.engine.engine.head

    def facts(self, after: int = 0) -> list[AnyEvent]:
        """Return what stands behind a position."""
        found = self.engine.engine.recorder.read(after=after)
        return [codec.decode(one.event.data, one.position).event for one in found]

    @property
    def last(self) -> Any:
        """The last fact."""
        return self.facts(self.head - 1)[0]


def converse(
    play: Callable[[Conversation], Awaitable[None]],
    *,
    policy: Policy = POLICY,
    section: MilterSection = MilterSection(),  # noqa: B008 it is frozen
    watch: Watch = UNWATCHED,
    agreed: bool = True,
) -> None:
    """Play a conversation in the small hospital world."""

    async def session() -> None:
        async with huissier.open_async("sqlite://", clock=lambda: NOW) as engine:
            engine.engine.handle_many(world())
            conversation = Conversation(engine, Gateway(engine, policy, watch), section)
            await play(await conversation.agreed() if agreed else conversation)

    asyncio.run(session())
