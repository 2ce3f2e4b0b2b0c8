"""`huissier serve milter` as a process: a message under way is answered before the end, and headers follow the file."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import huissier as library
from huissier.adapters.testing.hospital import DOCTOR, OUTSIDER, SURGEON, world
from tests.command_line import PROGRAM
from tests.gateway.milter.mta import QUEUE_ID, QUIT, end, header, mail, offer, packet, rcpt
from tests.gateway.service import Service, connected


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with library.open(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many(world())
    (tmp_path / "gateway.toml").write_text("[gateway]\nname = 'mx1'\n[milter]\nlisten = ['unix:milter.sock']\n")
    process = subprocess.Popen(
        [str(PROGRAM), "serve", "milter", "--config", "gateway.toml"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("HUISSIER_")},
    )
    with process, contextlib.closing(process.stderr) if process.stderr else contextlib.nullcontext():
        service = Service(process)
        try:
            assert service.until("listening")["on"] == ["unix:milter.sock"]
            yield service
        finally:
            process.kill()


def told(peer: socket.socket, *commands: bytes, answers: int) -> list[tuple[str, bytes]]:
    """Tell commands and return as many answers."""
    peer.sendall(b"".join(commands))
    return [heard(peer) for _ in range(answers)]


def heard(peer: socket.socket) -> tuple[str, bytes]:
    """Return the next answer."""
    (length,) = struct.unpack(">I", _exactly(peer, 4))
    answer = _exactly(peer, length)
    return chr(answer[0]), answer[1:]


def _exactly(peer: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = peer.recv(count - len(found))
        assert piece, "the connection was closed"
        found += piece
    return found


def test_a_message_under_way_is_answered_before_the_end(service: Service, tmp_path: Path) -> None:
    with connected(tmp_path / "milter.sock") as peer, connected(tmp_path / "milter.sock") as idle:
        told(idle, offer(), answers=1)
        told(peer, offer(), mail(DOCTOR), rcpt(SURGEON), answers=2)
        service.signal(signal.SIGTERM)
        service.until("draining")
        assert idle.recv(1) == b""
        refused = told(peer, rcpt(OUTSIDER), header("Subject", "x"), answers=1)
        assert refused[0][0] == "y"
        assert [letter for letter, _ in told(peer, end(), answers=2)] == ["h", "c"]
        assert peer.recv(1) == b""
    service.until("ended")
    assert service.process.wait() == 0
    with library.open(f"sqlite:///{tmp_path}/huissier.db") as engine:
        assert engine.head == len(world()) + 2


def test_the_header_follows_the_file_for_connections_from_then_on(service: Service, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    with connected(tmp_path / "milter.sock") as before:
        told(before, offer(), answers=1)
        config.write_text(config.read_text() + "decision_header = ''\n")
        service.signal(signal.SIGHUP)
        service.until("reloaded")
        answers = told(before, mail(DOCTOR), rcpt(SURGEON), end(), answers=3)
        assert answers[1] == ("h", f"X-Huissier-Decision\0mx1/{QUEUE_ID}\0".encode())
    with connected(tmp_path / "milter.sock") as after:
        told(after, offer(), answers=1)
        answers = told(after, mail(DOCTOR), rcpt(SURGEON), end("4dVQ7l1hZ4z4yTd"), QUIT, answers=2)
        assert answers == [("c", b"")] * 2
        assert after.recv(1) == b""


def test_what_is_malformed_ends_its_own_connection_and_no_other(service: Service, tmp_path: Path) -> None:
    with connected(tmp_path / "milter.sock") as good, connected(tmp_path / "milter.sock") as bad:
        told(good, offer(), answers=1)
        bad.sendall(offer() + packet(b"z"))
        while bad.recv(4096):
            pass
        assert service.until("deferred")["problem"] == "MalformedError"
        assert told(good, mail(DOCTOR), rcpt(SURGEON), answers=1) == [("c", b"")]
