"""What systemd and a service tell each other: sockets passed, and how far the service is."""

import logging
import os
import socket
import time
from typing import Final

from huissier.adapters.gateway.serving.listening import ListenError

_LOG: Final = logging.getLogger(__name__)
_FIRST: Final = 3


def passed_sockets() -> list[socket.socket]:
    """Return the sockets that systemd opened for this process, which listen already. Raises `ListenError`."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    try:
        count = int(os.environ.get("LISTEN_FDS", ""))
        sockets = [socket.socket(fileno=_FIRST + number) for number in range(count)]
    except (ValueError, OSError):
        raise ListenError("LISTEN_FDS does not say which sockets systemd passed") from None
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    if not all(map(_listens, sockets)):
        for each in sockets:
            each.close()
        raise ListenError("systemd passed a socket that does not listen for streams (Accept=no, ListenStream=)")
    for each in sockets:
        os.set_inheritable(each.fileno(), False)
    return sockets


def _listens(each: socket.socket) -> bool:
    return each.type == socket.SOCK_STREAM and bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def notify(*words: str) -> None:
    """Tell systemd, where it wants to know."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.connect("\0" + address[1:] if address.startswith("@") else address)
            sender.send("\n".join(words).encode())
        except OSError as problem:
            _LOG.warning("notify-failed", extra={"problem": type(problem).__name__})


def notify_reloading() -> None:
    """Tell systemd that the configuration is being read again; `READY=1` ends it."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
