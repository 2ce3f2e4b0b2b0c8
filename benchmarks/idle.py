"""Memory of `huissier serve postfix` with many connections of mail servers that have asked once and wait.

The service is a process of its own, measured as the system counts it (resident memory, shared libraries included),
before anybody is connected and when everybody is. Each connection stays open, as those of smtpd processes do.
"""

import contextlib
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import huissier
from benchmarks.measure import Report, arguments
from huissier.adapters.bench.turns import Figure

CONNECTIONS = 2_000
PROGRAM = Path(sys.executable).with_name("huissier")


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    options = arguments(__doc__, rounds=1).parse_args(argv)
    count = 10 if options.quick else CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count + 100), hard), hard))
    alone, together = zip(*(_measured(count) for _ in range(options.rounds)), strict=True)
    figures = [Figure("alone", "MB", alone), Figure(f"with {count:,} connections", "MB", together)]
    ratio = figures[1].over(figures[0], f"with {count:,} connections / alone")
    Report("uv run python -m benchmarks.idle", [ratio], figures, []).show(as_json=options.json)


def _measured(count: int) -> tuple[float, float]:
    """Return the service's memory alone and with everybody connected, in MB."""
    with tempfile.TemporaryDirectory() as folder, _serving(Path(folder)) as process, contextlib.ExitStack() as stack:
        alone = _resident(process.pid)
        for number in range(count):
            peer = stack.enter_context(socket.socket(socket.AF_UNIX))
            peer.connect(f"{folder}/policy.sock")
            peer.sendall(
                b"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=dr.martin@ch-exemple.mssante.fr\n"
                b"recipient=dr.petit@cabinet.mssante.fr\ninstance=%x\n\n" % number
            )
            if not (answer := peer.recv(4096)).startswith(b"action="):
                raise SystemExit(f"the service answered {answer!r}")
        return alone, _resident(process.pid)


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with huissier.open(f"sqlite:///{folder}/huissier.db") as engine:
        for domain in ("ch-exemple.mssante.fr", "cabinet.mssante.fr"):
            engine.handle(huissier.AdmitDomain(domain=domain))
    command = [str(PROGRAM), "serve", "postfix", "--listen", "unix:policy.sock"]
    log = folder / "log"
    with log.open("wb") as file, subprocess.Popen(command, cwd=folder, stderr=file) as process:
        try:
            while b'"listening"' not in log.read_bytes():
                if process.poll() is not None:
                    raise SystemExit(log.read_text())
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            yield process
        finally:
            process.terminate()


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_000_000


if __name__ == "__main__":
    main()
