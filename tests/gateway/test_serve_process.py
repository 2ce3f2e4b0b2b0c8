"""`huissier serve postfix` as a process: signals, systemd's sockets and its questions, metrics and logs."""

import contextlib
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import huissier as library
from huissier.adapters.testing.hospital import DOCTOR, HOSPITAL, OUTSIDER, SURGEON, USAGER, ins, world
from tests.command_line import PROGRAM
from tests.command_line import huissier as run
from tests.gateway.peers import PASS, end, rcpt
from tests.gateway.service import SECONDS, Service, connected
from tests.waiting import eventually

Start = Callable[..., Service]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with library.open(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many(world())
    (tmp_path / "gateway.toml").write_text(
        f"[gateway]\nname = 'mx1'\nhosted = ['{HOSPITAL}']\n[postfix]\nlisten = ['unix:policy.sock']\n"
    )
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def begin(
            *arguments: str,
            command: tuple[str, ...] = (str(PROGRAM),),
            env: dict[str, str] | None = None,
            third: socket.socket | None = None,
        ) -> Service:
            """Start the service; `third` is what it finds as its file 3."""
            process = subprocess.Popen(
                [*command, "serve", "postfix", *arguments],
                cwd=folder,
                stderr=subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if not name.startswith("HUISSIER_")}
                | (env or {}),
                pass_fds=() if third is None else (3,),
                preexec_fn=None if third is None else partial(os.dup2, third.fileno(), 3),
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Service(process)

        yield begin


def ask(peer: socket.socket, request: bytes) -> bytes:
    peer.sendall(request)
    heard = b""
    while not heard.endswith(b"\n\n"):
        piece = peer.recv(4096)
        assert piece
        heard += piece
    return heard


def test_reloading_keeps_connections_and_a_bad_file_changes_nothing(folder: Path, start: Start) -> None:
    service = start("--config", "gateway.toml")
    assert service.until("listening")["on"] == ["unix:policy.sock"]
    config = folder / "gateway.toml"
    good = config.read_text()
    with connected(folder / "policy.sock") as peer:
        assert ask(peer, rcpt(SURGEON, sender=USAGER)).startswith(b"action=550 5.7.1 CONTACT_NOT_OPENED ")
        config.write_text(good + "[rules]\nshadow_reasons = ['NO_SUCH']\n")
        service.signal(signal.SIGHUP)
        refused = service.until("reload-refused")
        assert refused["why"].startswith("gateway.toml, line 7, rules.shadow_reasons: ")
        assert ask(peer, rcpt(DOCTOR, sender=USAGER)).startswith(b"action=550 5.7.1 CONTACT_NOT_OPENED ")
        config.write_text(good + "[rules]\nshadow_reasons = ['CONTACT_NOT_OPENED']\n")
        service.signal(signal.SIGHUP)
        service.until("reloaded")
        assert ask(peer, rcpt(DOCTOR, sender=USAGER, instance="later")) == PASS
        assert ask(peer, end(1, sender=USAGER, instance="later")) == PASS
    assert service.end() == 0
    assert not (folder / "policy.sock").exists()
    shadow = run("audit", "trail", "--shadow", "--json", cwd=folder).stdout
    assert json.loads(shadow)["fact"]["id"].startswith("mx1/")


def test_what_needs_a_restart_is_told_at_each_reload_until_it_does_not(folder: Path, start: Start) -> None:
    service = start("--config", "gateway.toml")
    service.until("listening")
    config = folder / "gateway.toml"
    runs = config.read_text()
    for text in (runs.replace("policy.sock", "other.sock"),) * 2 + (runs,):
        config.write_text(text)
        service.signal(signal.SIGHUP)
        service.until("reloaded")
    assert service.end() == 0
    events = [line["event"] for line in service.lines if line["event"] in ("restart-needed", "reloaded")]
    assert events == ["restart-needed", "reloaded"] * 2 + ["reloaded"]


def test_the_log_tells_each_decision_and_names_nobody(folder: Path, start: Start) -> None:
    service = start("--config", "gateway.toml")
    service.until("listening")
    with connected(folder / "policy.sock") as peer:
        ask(peer, rcpt(SURGEON))
        ask(peer, rcpt(OUTSIDER))
        ask(peer, rcpt(f"{ins(3)}@example.org"))
        ask(peer, end(1))
        ask(peer, rcpt(SURGEON, instance="logged-in", sasl_username=DOCTOR))
    assert service.end() == 0
    assert {line["event"] for line in service.lines} == {"listening", "decision", "draining", "ended"}
    decisions = [line for line in service.lines if line["event"] == "decision"]
    assert [(line["stage"], line["outcome"], line.get("reason")) for line in decisions] == [
        ("rcpt", "pass", None),
        ("rcpt", "refuse", "RECIPIENT_DOMAIN_NOT_ADMITTED"),
        ("rcpt", "refuse", "RECIPIENT_DOMAIN_NOT_ADMITTED"),
        ("end-of-message", "pass", None),
        ("rcpt", "pass", None),
    ]
    assert [line.get("login") for line in decisions] == [None] * 4 + [decisions[4]["sender"]]
    assert decisions[3]["submission"] == "mx1/4dVQ7l1hZ4z4yTc"
    assert decisions[0]["recipient"] == decisions[3]["recipient"]
    written = json.dumps(service.lines)
    assert "@" not in written
    assert ins(3) not in written


def test_metrics_and_health(folder: Path, start: Start) -> None:
    service = start("--config", "gateway.toml", "--metrics", "127.0.0.1:0")
    port = service.until("metrics")["port"]
    service.until("listening")
    with connected(folder / "policy.sock") as peer:
        ask(peer, rcpt(SURGEON))
        ask(peer, rcpt(OUTSIDER))
        eventually(lambda: 'decision_seconds_count{stage="rcpt"} 2' in fetched(port, "/metrics")[1])  # after the reply
        shown = fetched(port, "/metrics")[1]
        assert fetched(port, "/healthz") == (200, "alive\n")
        assert fetched(port, "/readyz") == (200, "ready\n")
        assert fetched(port, "/else")[0] == 404
        odd = {"Accept": "application/openmetrics-text;version=1.x"}
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=odd), timeout=10)
        with socket.create_connection(("127.0.0.1", port)) as probe:  # which goes away in the middle of its question
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            probe.sendall(b"GET /heal")
    for line in (
        'huissier_decisions_total{outcome="pass",reason="",stage="rcpt"} 1.0',
        'huissier_decisions_total{outcome="refuse",reason="RECIPIENT_DOMAIN_NOT_ADMITTED",stage="rcpt"} 1.0',
        'huissier_decision_seconds_count{stage="rcpt"} 2.0',
        "huissier_batch_size_count 1.0",
        "huissier_queue_depth 0.0",
        "huissier_connections 1.0",
        'huissier_projection_lag{projection="trail"}',
    ):
        assert f"\n{line}" in shown
    assert service.end() == 0


HELD_UP = """
import sys, time
from huissier.adapters.cli import main
from huissier.adapters.gateway.postfix.session import PolicySession
PolicySession.answers = lambda *_: time.sleep(60)
sys.argv[0] = "huissier"
main()
"""


def test_a_service_whose_loop_is_held_up_is_not_ready(folder: Path, start: Start) -> None:
    service = start("--config", "gateway.toml", "--metrics", "127.0.0.1:0", command=(sys.executable, "-c", HELD_UP))
    port = service.until("metrics")["port"]
    service.until("listening")
    assert fetched(port, "/readyz") == (200, "ready\n")
    with connected(folder / "policy.sock") as peer:
        peer.sendall(rcpt(SURGEON))
        eventually(lambda: fetched(port, "/readyz") == (503, "the service does not answer\n"))
        assert fetched(port, "/healthz")[0] == 200


def test_mail_does_not_wait_for_who_reads_no_log_and_lines_lost_are_told(folder: Path, start: Start) -> None:
    service = start("--config", "gateway.toml")
    service.until("listening")
    asked = 400  # a pipe that nobody reads holds the lines of half of them
    with connected(folder / "policy.sock") as peer:
        for number in range(asked):
            assert ask(peer, rcpt(SURGEON, instance=f"m.{number}")) == PASS
        lost = None
        while lost is None:
            service.until("decision")
            ask(peer, rcpt(SURGEON, instance="again"))
            lost = next((line["lines"] for line in service.lines if line["event"] == "log-lines-lost"), None)
    assert service.end() == 0
    assert 0 < lost < asked
    assert sum(line["event"] == "decision" for line in service.lines) + lost >= asked


def fetched(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read().decode()


ACTIVATE = "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid()); os.execv(sys.argv[1], sys.argv[1:])"


def test_systemd_passes_sockets_and_hears_how_far_it_is(folder: Path, start: Start) -> None:
    (folder / "gateway.toml").write_text("[gateway]\nname = 'mx1'\n")
    with (
        socket.socket(socket.AF_UNIX) as listening,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
    ):
        systemd.settimeout(SECONDS)
        systemd.bind(str(folder / "notify"))
        listening.bind(str(folder / "activated"))
        listening.listen()
        with connected(folder / "activated") as early:  # before anybody serves
            early.sendall(rcpt(SURGEON))
            service = start(
                "--config",
                "gateway.toml",
                command=(sys.executable, "-c", ACTIVATE, str(PROGRAM)),
                env={"LISTEN_FDS": "1", "NOTIFY_SOCKET": str(folder / "notify")},
                third=listening,
            )
            assert service.until("listening")["on"] == [f"unix:{folder}/activated"]
            assert early.recv(4096) == PASS
        assert systemd.recv(4096) == b"READY=1"
        service.signal(signal.SIGHUP)
        assert systemd.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert systemd.recv(4096) == b"READY=1"
        assert service.end() == 0
        assert systemd.recv(4096) == b"STOPPING=1"
        assert (folder / "activated").exists()  # it is systemd's


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        ((), 2, "there is nothing to listen on"),
        (("--listen", "25"), 2, "the command line, postfix.listen: '25' is not an address"),
        (("--config", "none.toml"), 2, "none.toml: No such file or directory"),
        (("--listen", "inet:127.0.0.1:0", "--store", "sqlite:///none.db"), 3, "none.db"),
        (("--listen", "inet:127.0.0.1:0", "--option", "x=y"), 2, "the options are"),
    ],
)
def test_what_cannot_be_served_ends_in_one_line(
    folder: Path, arguments: tuple[str, ...], status: int, error: str
) -> None:
    done = run("serve", "postfix", *arguments, cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (status, 1)
    assert error in done.stderr


def test_a_store_that_cannot_be_written_defers_and_is_not_ready_until_it_can(start: Start, folder: Path) -> None:
    service = start("--config", "gateway.toml", "--metrics", "127.0.0.1:0")
    port = service.until("metrics")["port"]
    service.until("listening")
    with connected(folder / "policy.sock") as peer:
        assert ask(peer, rcpt(SURGEON)) == PASS
        limits = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        assert ask(peer, end(1)).startswith(b"action=DEFER_IF_PERMIT 4.3.0 ")
        assert fetched(port, "/readyz") == (503, "the store could not record lately\n")
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, limits)
        assert ask(peer, end(1)) == PASS
        eventually(lambda: fetched(port, "/readyz") == (200, "ready\n"))
    assert service.end() == 0


def test_a_store_that_was_replaced_meanwhile_defers_everything(start: Start, folder: Path) -> None:
    service = start("--config", "gateway.toml")
    service.until("listening")
    with connected(folder / "policy.sock") as peer:
        assert ask(peer, rcpt(SURGEON)) == PASS
        store = folder / "huissier.db"
        backup = store.read_bytes()
        store.unlink()
        store.write_bytes(backup)
        assert ask(peer, end(1)).startswith(b"action=DEFER_IF_PERMIT 4.3.0 ")
        assert ask(peer, rcpt(SURGEON, instance="other")).startswith(b"action=DEFER_IF_PERMIT 4.3.0 ")
    assert service.end() == 0


def test_where_files_are_few_connections_are_too_and_those_taken_in_are_answered(start: Start, folder: Path) -> None:
    few = ("sh", "-c", 'ulimit -n 64; exec "$0" "$@"', str(PROGRAM))
    service = start("--config", "gateway.toml", "--store", "sqlite:///huissier.db", command=few)
    assert service.until("few-files")["connections"] == 32
    service.until("listening")
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(connected(folder / "policy.sock")) for _ in range(60)]
        assert ask(peers[0], rcpt(SURGEON)) == PASS
        assert peers[-1].recv(1) == b""
    eventually(lambda: _is_answered(folder))
    assert service.end() == 0
    events = [line["event"] for line in service.lines]
    assert events.count("loop") < 5  # the system still lacks files for some, until those before are refused
    assert not {"log-lines-lost", "session-failed"} & {*events}


def _is_answered(folder: Path) -> bool:
    with connected(folder / "policy.sock") as peer, contextlib.suppress(OSError, AssertionError):
        return ask(peer, rcpt(SURGEON)) == PASS
    return False
