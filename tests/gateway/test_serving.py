"""Connections over real sockets: each alone, closed in order, and never more than there may be."""

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from huissier.adapters.gateway.serving import systemd
from huissier.adapters.gateway.serving.listening import (
    Inet,
    ListenError,
    Unix,
    listening_on,
    parse_address,
)
from huissier.adapters.gateway.serving.server import Limits, Server
from huissier.adapters.gateway.serving.systemd import passed_sockets


class Echo:
    """Answers each line with itself; `wait` waits to be let go on, `fail` fails, `over` is the last."""

    def __init__(self, go_on: asyncio.Event, waits: asyncio.Event) -> None:
        self.is_over = False
        self.at_rest = True
        self._go_on = go_on
        self._waits = waits

    def closed(self) -> None:
        self.waits_for_nobody = True

    async def answers(self, received: bytes) -> AsyncIterator[bytes]:
        for line in received.splitlines():
            if line == b"wait":
                self._waits.set()
                await self._go_on.wait()
            if line == b"fail":
                raise RuntimeError("dr.martin@ch-exemple.mssante.fr")
            self.at_rest = line != b"begin"
            self.is_over = line == b"over"
            yield line + b"\n"


class Stage:
    """A server on a socket of its own, and what tests need to move it."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.go_on, self.waits = asyncio.Event(), asyncio.Event()
        self.server = Server(lambda: Echo(self.go_on, self.waits), limits)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(self.path)


def staged(tmp_path: Path, play: Callable[[Stage], Awaitable[None]], limits: Limits | None = None) -> None:
    async def run() -> None:
        stage = Stage(tmp_path / "s", limits or Limits())
        with listening_on([Unix(str(stage.path))], 0o600) as sockets:
            await stage.server.listen(sockets)
            async with asyncio.timeout(60):
                await play(stage)
            await stage.server.drain(60)
        assert len(stage.server) == 0

    asyncio.run(run())


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> bytes:
    writer.write(line + b"\n")
    return await reader.readline()


async def close(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def test_each_is_answered_while_others_wait(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        slow, quick = await stage.connect(), await stage.connect()
        slow[1].write(b"wait\n")
        await stage.waits.wait()
        assert await exchange(*quick, b"a") == b"a\n"
        stage.go_on.set()
        assert await slow[0].readline() == b"wait\n"
        await close(slow[1], quick[1])

    staged(tmp_path, play)


def test_a_session_that_fails_ends_alone_and_is_told_by_its_type_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(stage: Stage) -> None:
        one, other = await stage.connect(), await stage.connect()
        assert await exchange(*one, b"fail") == b""
        assert await exchange(*other, b"a") == b"a\n"
        assert await exchange(*other, b"over") == b"over\n"
        assert await other[0].read() == b""
        await close(one[1], other[1])

    with caplog.at_level(logging.INFO):
        staged(tmp_path, play)
    assert [(record.getMessage(), record.__dict__.get("problem")) for record in caplog.records] == [
        ("session-failed", "RuntimeError")
    ]
    assert "dr.martin" not in caplog.text


def test_no_more_connections_than_there_may_be(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        first = await stage.connect()
        assert await exchange(*first, b"a") == b"a\n"
        second = await stage.connect()
        assert await second[0].read() == b""
        assert await exchange(*first, b"b") == b"b\n"
        await close(first[1], second[1])

    staged(tmp_path, play, Limits(connections=1))


def test_who_is_silent_for_too_long_is_closed(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        reader, writer = await stage.connect()
        assert await reader.read() == b""
        await close(writer)

    staged(tmp_path, play, Limits(idle=0.05))


def test_who_does_not_read_is_not_buffered_for_without_bound(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        deaf = socket.socket(socket.AF_UNIX)
        deaf.connect(str(stage.path))
        deaf.setblocking(False)
        sent, loop = 0, asyncio.get_running_loop()
        try:
            while sent < 64 * 1024 * 1024:
                async with asyncio.timeout(0.5):
                    await loop.sock_sendall(deaf, b"x" * 1_000_000 + b"\n")
                sent += 1_000_001
        except TimeoutError:
            pass
        assert sent < 16 * 1024 * 1024  # the peer is held back instead
        other = await stage.connect()
        assert await exchange(*other, b"a") == b"a\n"
        deaf.close()
        await close(other[1])

    staged(tmp_path, play)


def test_draining_answers_what_was_asked_and_closes_who_is_at_rest(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        idle, busy, begun = [await stage.connect() for _ in range(3)]
        assert await exchange(*idle, b"a") == b"a\n"
        assert await exchange(*begun, b"begin") == b"begin\n"
        busy[1].write(b"wait\n")
        await stage.waits.wait()
        draining = asyncio.ensure_future(stage.server.drain(60))
        assert await idle[0].read() == b""
        with pytest.raises(ConnectionRefusedError):
            await stage.connect()
        stage.go_on.set()
        assert await busy[0].read() == b"wait\n"
        assert not draining.done()
        assert await exchange(*begun, b"end") == b"end\n"
        assert await begun[0].read() == b""
        await draining
        await close(idle[1], busy[1], begun[1])

    staged(tmp_path, play)


def test_draining_answers_what_was_sent_just_before(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        reader, writer = await stage.connect()
        assert await exchange(reader, writer, b"a") == b"a\n"
        writer.write(b"b\n")
        await stage.server.drain(60)
        assert await reader.read() == b"b\n"
        await close(writer)

    staged(tmp_path, play)


def test_who_sends_the_last_and_closes_its_side_is_answered(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        reader, writer = await stage.connect()
        writer.write(b"wait\n")
        writer.write_eof()
        await stage.waits.wait()
        stage.go_on.set()
        assert await reader.read() == b"wait\n"
        await close(writer)

    staged(tmp_path, play)


def test_who_is_not_at_rest_in_time_is_cut_off(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        reader, writer = await stage.connect()
        assert await exchange(reader, writer, b"begin") == b"begin\n"
        await stage.server.drain(0.01)
        with contextlib.suppress(ConnectionError):  # or, as some systems say it, an end in order
            assert await exchange(reader, writer, b"end") == b""
        await close(writer)

    staged(tmp_path, play)


# --- addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("inet:127.0.0.1:10030", Inet("127.0.0.1", 10030)),
        ("inet:localhost:0", Inet("localhost", 0)),
        ("inet:[::1]:25", Inet("::1", 25)),
        ("unix:/run/a:b.sock", Unix("/run/a:b.sock")),
    ],
)
def test_an_address_is_read_and_written(text: str, address: Inet | Unix) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "25", "inet:25", "inet::25", "inet:a:b", "inet:a:65536", "inet:::1:25", "unix:", "unix:a\0b", "tcp:a:1"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ListenError):
        parse_address(text)


def test_a_socket_that_nobody_answers_on_is_replaced_and_removed_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with listening_on([Unix(str(path))], 0o660):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with pytest.raises(ListenError, match="in use"), listening_on([Unix(str(path))], 0o660):
            pass
        assert path.exists()
    assert not path.exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_text("dear")
    with pytest.raises(ListenError, match="no socket"), listening_on([Unix(str(path))], 0o660):
        pass
    assert path.read_text() == "dear"


def test_an_address_that_cannot_be_had_closes_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(ListenError), listening_on([Unix(str(path)), Unix(str(tmp_path / "no" / "s"))], 0o660):
        pass
    assert not path.exists()


def test_a_path_that_is_too_long_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="path too long"), listening_on([Unix(str(tmp_path / ("s" * 200)))], 0o660):
        pass


def test_sockets_passed_to_another_process_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getppid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert passed_sockets() == []


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".invalid", "nowhere.invalid"])
def test_a_host_that_is_none_is_told_so(host: str) -> None:
    with pytest.raises(ListenError, match=f"inet:{host}:10030: "), listening_on([Inet(host, 10030)], 0o660):
        pass


def test_a_connection_that_systemd_took_is_no_socket_to_listen_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        monkeypatch.setattr(systemd, "_FIRST", ours.detach())
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        with pytest.raises(ListenError, match="does not listen"):
            passed_sockets()
