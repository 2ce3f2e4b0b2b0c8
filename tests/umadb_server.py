"""An UmaDB server for the tests, from the wheel on PyPI: a process on loopback with a folder of its own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def umadb_server(folder: Path) -> Iterator[str]:
    """Start a server with an empty log, give its URL, and end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    program = Path(sys.executable).with_name("umadb")
    # Without zero-fill a log begins small; with it each test would write a quarter of a gigabyte.
    command = [str(program), "--listen", address, "--db-path", str(folder), "--zero-fill-pages", "false"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        try:
            said = ""
            while "is listening" not in said:
                line = server.stdout.readline()
                said += line
                assert line, f"the UmaDB server did not start:\n{said}"
            yield f"http://{address}"
        finally:
            server.terminate()
