"""What a gateway listens on: `inet:HOST:PORT`, `unix:PATH`, or sockets that systemd opened."""

import errno
import os
import re
import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from huissier.adapters.errors import UnreadableError

BACKLOG: Final = 1024
_INET: Final = re.compile(r"inet:(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")


class ListenError(UnreadableError):
    """An address to listen on is not one, or cannot be had."""


class Inet(Struct, frozen=True):
    """A host and a port; port 0 has the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"inet:[{self.host}]:{self.port}" if ":" in self.host else f"inet:{self.host}:{self.port}"


class Unix(Struct, frozen=True):
    """A socket in the file system."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


Address = Inet | Unix


def parse_address(text: str) -> Address:
    """Read `inet:HOST:PORT`, `inet:[IPv6]:PORT` or `unix:PATH`. Raises `ListenError`."""
    if text.startswith("unix:") and len(text) > len("unix:") and "\0" not in text:
        return Unix(text.removeprefix("unix:"))
    if (matched := _INET.fullmatch(text)) is None or int(matched["port"]) > 65_535:
        raise ListenError(f"{text!r} is not an address like inet:127.0.0.1:10030 or unix:/run/huissier/policy.sock")
    return Inet(matched["six"] or matched["host"], int(matched["port"]))


def parse_inet(text: str) -> Inet:
    """Read HOST:PORT or [IPv6]:PORT. Raises `ListenError`."""
    try:
        address = parse_address(f"inet:{text}")
    except ListenError:
        raise ListenError(f"{text!r} is not HOST:PORT") from None
    assert isinstance(address, Inet)  # noqa: S101 it begins with inet:
    return address


@contextmanager
def listening_on(addresses: Iterable[Address], unix_mode: int) -> Iterator[list[socket.socket]]:
    """Open sockets on all addresses that the names stand for; those in the file system are removed after the block.

    Raises `ListenError`.
    """
    with ExitStack() as stack:
        opened: list[socket.socket] = []
        for address in addresses:
            try:
                for each in (
                    _unix(Path(address.path), unix_mode, stack) if isinstance(address, Unix) else _inet(address)
                ):
                    stack.callback(each.close)
                    opened.append(each)
            except UnicodeError:
                raise ListenError(f"{address}: not the name of a host") from None
            except OSError as problem:
                raise ListenError(f"{address}: {problem.strerror or problem}") from None
        yield opened


def _inet(address: Inet) -> Iterator[socket.socket]:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, where in dict.fromkeys(found):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.bind(where)
            opened.listen(BACKLOG)
        except BaseException:
            opened.close()
            raise
        yield opened


def _unix(path: Path, mode: int, stack: ExitStack) -> Iterator[socket.socket]:
    """Bind a path with its permissions from the first moment, in place of a socket that nobody answers on."""
    _remove_stale(path)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~mode)
    try:
        opened.bind(str(path))
        opened.listen(BACKLOG)  # at once, so that nobody takes it for one left behind; clients wait
    except BaseException:
        opened.close()
        raise
    finally:
        os.umask(before)
    stack.callback(_remove_own, path, path.lstat().st_ino)
    path.chmod(mode)
    yield opened


def _remove_own(path: Path, inode: int) -> None:
    """Remove a socket unless another process has put its own there."""
    with suppress(OSError):
        if path.lstat().st_ino == inode:
            path.unlink()


def _remove_stale(path: Path) -> None:
    """Remove a socket that a process left behind. Raises `OSError` where it is alive, or is no socket."""
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise OSError(errno.EEXIST, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        visitor.settimeout(1)
        try:
            visitor.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
