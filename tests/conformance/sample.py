"""A gateway of ours as somebody's own, within this process: sound, or broken in one place."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

import huissier
from huissier.adapters.clock import Clock
from huissier.adapters.conformance.checks import Protocol
from huissier.adapters.conformance.world import HOSTED, world
from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.milter.session import MilterSession
from huissier.adapters.gateway.postfix.session import PolicySession
from huissier.adapters.gateway.postfix.underway import Underway
from huissier.adapters.gateway.replies import PASS, Reply
from huissier.adapters.gateway.serving.server import Limits, Server
from huissier.adapters.gateway.serving.session import Session
from huissier.adapters.gateway.settings import MilterSection
from huissier.adapters.gateway.transaction import NOBODY_KNOWN, UNSEEN, Content, Peer, Policy, Transaction
from huissier.domain.rule_set import Options

POLICY = Policy(name="sample", hosted=frozenset(HOSTED), final_hop=True)


class How(NamedTuple):
    """Where a sample is broken; nowhere by default.

    `sender`, `whom`: change an address before it is decided on. `said`: changes a reply, to whom it is. `told`,
    `answered`: change bytes of the connection.
    """

    policy: Policy = POLICY
    options: Options = Options()
    clock: Clock | None = None
    sender: Callable[[str], str] = str
    whom: Callable[[str], str] = str
    said: Callable[[Reply, str], Reply] = lambda reply, _: reply
    content: Callable[[Content], Content] = lambda content: content
    size_at_rcpt: bool = True
    size_at_end: bool = True
    records_at_rcpt: bool = False
    told: Callable[[bytes], bytes] = bytes
    answered: Callable[[bytes], bytes] = bytes
    answers_each_piece: bytes = b""
    answers_once_a_piece: bool = False
    answers_what_is_malformed: bytes = b""
    hangs_up_at: bytes = b""
    shares_what_is_under_way: bool = True
    section: MilterSection = MilterSection()
    connections: int = 100


class _Message:
    """A transaction behind which something is broken."""

    def __init__(self, message: Transaction, how: How) -> None:
        self._message = message
        self._how = how

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)

    async def recipient(self, spelled: str, *, size: int | None = None, on: object = None) -> Reply:
        whom = self._how.whom(spelled)
        reply = await self._message.recipient(whom, size=size if self._how.size_at_rcpt else None, on=on)
        if self._how.records_at_rcpt and reply.kind == "pass":
            await self._message.message(self._message.key)
        said = self._how.said(reply, spelled)
        if said.kind == "pass" != reply.kind:
            self._message.unasked(whom)
        return said

    async def message(self, queue_id: str, *, size: int | None = None, content: Content = UNSEEN) -> Reply:
        counted = size if self._how.size_at_end else None
        reply = await self._message.message(queue_id, size=counted, content=self._how.content(content))
        return self._how.said(reply, "")


class _Gateway(Gateway):
    how = How()

    def begin(self, key: str, sender: str, peer: Peer = NOBODY_KNOWN) -> Transaction:
        message: Any = _Message(super().begin(key, self.how.sender(sender), peer), self.how)
        whole: Transaction = message
        return whole


class _Session:
    """A session whose bytes are changed on their way."""

    def __init__(self, session: Session, how: How) -> None:
        self._session = session
        self._how = how
        self._hung_up = False

    @property
    def is_over(self) -> bool:
        return self._hung_up or (self._session.is_over and not self._how.answers_what_is_malformed)

    @property
    def at_rest(self) -> bool:
        return self._session.at_rest

    def closed(self) -> None:
        self._session.closed()

    async def answers(self, received: bytes) -> AsyncIterator[bytes]:
        how = self._how
        if how.answers_each_piece:
            yield how.answers_each_piece
        if how.hangs_up_at and how.hangs_up_at in received:
            self._hung_up = True
            return
        count = 0
        if not self._session.is_over:
            async for answer in self._session.answers(how.told(received)):
                count += 1
                if count == 1 or not how.answers_once_a_piece:
                    yield how.answered(answer)
        if self._session.is_over and how.answers_what_is_malformed:
            yield how.answers_what_is_malformed


@contextlib.contextmanager
def sample(protocol: Protocol, folder: Path, how: How = How()) -> Iterator[str]:  # noqa: B008 it is frozen
    """Run a sample on the world of the suite, and lend where it listens."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "sample.sock"))
    listening.listen(100)  # from here on nobody is turned away, however late the thread begins
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_run(protocol, how, listening, ended),))
    thread.start()
    try:
        yield f"unix:{folder / 'sample.sock'}"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
        listening.close()


async def _run(protocol: Protocol, how: How, listening: socket.socket, ended: asyncio.Event) -> None:
    async with huissier.open_async("sqlite://", options=how.options, clock=how.clock) as engine:
        engine.engine.handle_many(world())
        gateway = _Gateway(engine, how.policy)
        gateway.how = how
        underway = Underway()

        def new_session() -> Session:
            session: Session = (
                PolicySession(gateway, underway if how.shares_what_is_under_way else Underway())
                if protocol == "postfix"
                else MilterSession(gateway, how.section)
            )
            return _Session(session, how)

        server = Server(new_session, Limits(connections=how.connections))
        await server.listen([listening])
        await ended.wait()
        await server.drain(0.1)


def letting_pass(code: str) -> How:
    """Know nothing of one reason to refuse."""
    return How(said=lambda reply, _: PASS if reply.reason == code else reply)


def passing_what_says(words: bytes, instead: bytes) -> How:
    """Let pass what is deferred with some words."""
    return How(answered=lambda answer: instead if words in answer else answer)


def refusing_all() -> How:
    """Let nobody through."""
    refused = Reply("refuse", "550 5.7.1 RECIPIENT_UNKNOWN non", "RECIPIENT_UNKNOWN")
    return How(said=lambda reply, _: refused if reply.kind == "pass" else reply)


def without_tag(address: str) -> str:
    return re.sub(r"\+[^@]*@", "@", address)


def reading(**words: Any) -> How:
    """Read headers as if they said something else."""
    return How(content=lambda content: replace(content, **words))


def under(**words: Any) -> How:
    """Ask under another policy."""
    return How(policy=replace(POLICY, **words))


def deciding(**words: Any) -> How:
    """Decide under options that are not the defaults."""
    return How(options=Options(**words))


def told(words: bytes, instead: bytes) -> How:
    """Hear something else in place of some words; both as long, for packets tell their length."""
    assert len(words) == len(instead)
    return How(told=lambda received: received.replace(words, instead))
