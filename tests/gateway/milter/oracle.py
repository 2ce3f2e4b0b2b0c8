"""What must hold whatever a mail server sends: one valid answer where one is due, and no acceptance without a record.

The gateway behind the session lets pass whom it likes and remembers what it recorded. Beside it a slow reading of the
same bytes says what is due.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Any, cast

from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.milter.packets import LARGEST
from huissier.adapters.gateway.milter.session import MilterSession
from huissier.adapters.gateway.replies import OUT_OF_STEP, Reply
from huissier.adapters.gateway.settings import MilterSection
from huissier.adapters.gateway.transaction import Content, Peer
from huissier.adapters.gateway.watching import UNWATCHED
from tests.gateway.milter.mta import split

BEGINNINGS = {b"M", b"A", b"K", b"O"}
ANSWERED = {b"C", b"H", b"M", b"L", b"N", b"B", b"T", b"U"}


class Likes:
    """A transaction that lets pass whose address has an even length, and refuses messages with an odd queue id."""

    def __init__(self, records: list[tuple[str, ...]], sender: str) -> None:
        self.sender = sender
        self.let_through: tuple[str, ...] = ()
        self._records = records

    async def recipient(self, spelled: str, *, size: int | None = None) -> Reply:
        assert size is None or 0 <= size < 10**12
        if len(spelled) % 2:
            return Reply("refuse", "550 5.7.1 ODD non")
        self.let_through = (*self.let_through, spelled)
        return Reply("pass")

    def unasked(self, spelled: str) -> Reply:
        self.let_through = (*self.let_through, spelled)
        return Reply("pass")

    async def message(self, queue_id: str, *, size: int, content: Content) -> Reply:
        assert size >= 2
        assert content.subject in (None, "[FIN]")
        if not self.let_through:
            return OUT_OF_STEP
        if len(queue_id) % 2:
            return Reply("refuse", "550 5.7.1 ODD non")
        self._records.append(self.let_through)
        return Reply("pass", decision="mx1/x")


class Liking:
    """A gateway of such transactions."""

    watch = UNWATCHED

    def __init__(self) -> None:
        self.records: list[tuple[str, ...]] = []

    def begin(self, key: str, sender: str, peer: Peer) -> Likes:
        assert peer.certificate_cn is None or peer.certificate_dn is None
        assert key.isascii()
        return Likes(self.records, sender)


def packets_in(told: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Cut whole packets out of bytes, until one is wrong."""
    while len(told) >= 4:
        (length,) = struct.unpack(">I", told[:4])
        if not 1 <= length <= LARGEST or len(told) < 4 + length:
            return
        yield told[4:5], told[5 : 4 + length]
        told = told[4 + length :]


def hold(pieces: Iterable[bytes]) -> list[tuple[str, ...]]:
    """Tell a session these bytes, piece by piece; return what was recorded. Raises `AssertionError`."""
    try:
        _hold(list(pieces)).send(None)
    except StopIteration as done:
        recorded: list[tuple[str, ...]] = done.value
        return recorded
    raise AssertionError("nothing is there to wait for")


async def _hold(pieces: list[bytes]) -> list[tuple[str, ...]]:
    gateway = Liking()
    session = MilterSession(cast("Gateway", cast("Any", gateway)), MilterSection())
    answers: list[tuple[str, bytes]] = []
    for piece in pieces:
        if session.is_over:
            break
        answers += split(b"".join([answer async for answer in session.answers(piece)]))
    _check(list(packets_in(b"".join(pieces))), answers, gateway.records)
    return gateway.records


def _check(told: list[tuple[bytes, bytes]], answers: list[tuple[str, bytes]], records: list[tuple[str, ...]]) -> None:
    """Walk along what was told, and hold each answer against it."""
    left, recorded, waits = iter(answers), iter(records), ANSWERED
    passed = 0
    for letter, _ in told:
        passed = 0 if letter in BEGINNINGS else passed
        if letter not in ANSWERED | {b"O", b"R", b"E"} or (letter != b"O" and letter not in waits | {b"R", b"E"}):
            continue
        answer = _next(left, edits=letter == b"E")
        if answer is None:
            break  # the session was closed: nothing more was answered
        if letter == b"O":
            assert answer[0] == "O"
            waits = ANSWERED - _silenced(answer[1])
        elif letter == b"R":
            assert answer[0] in "cy"
            passed += answer[0] == "c"
        elif letter == b"E":
            assert answer[0] in "cy"
            if answer[0] == "c":
                assert len(next(recorded, ())) == passed > 0, "recorded is not who was told that they may pass"
            passed = 0
        else:
            assert answer == ("c", b"")
        assert answer[0] != "y" or (answer[1][:1] in (b"4", b"5") and answer[1].endswith(b"\0"))
    assert next(left, None) is None, "more was answered than asked"
    assert next(recorded, None) is None, "something was recorded that was not accepted"


def _next(left: Iterator[tuple[str, bytes]], *, edits: bool) -> tuple[str, bytes] | None:
    answer = next(left, None)
    while edits and answer is not None and answer[0] in "hm":
        answer = next(left, None)
        assert answer is not None, "edits without an answer"
        assert answer[0] in "hmc", "edits of a message that is refused"
    return answer


def _silenced(agreed: bytes) -> set[bytes]:
    (steps,) = struct.unpack(">I", agreed[8:12])
    return {letter for letter, bit in ((b"L", 0x80), (b"M", 0x4000), (b"B", 0x80000)) if steps & bit}
