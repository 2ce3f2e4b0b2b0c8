"""A Postfix of a test's own: on loopback, with its own configuration, queue, log and mailboxes.

Whatever it accepts goes into one maildir, which says of each message for whom it was. Nothing leaves the machine.
"""

import mailbox
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.waiting import eventually

MASTER: Final = Path("/usr/lib/postfix/sbin/master")
POSTLOG: Final = "/usr/sbin/postlog"
UNDELIVERABLE: Final = "dr.absent"  # its mailbox is in no map: what was accepted for it bounces
LONGEST: Final = 60.0
_LOWEST_PORT, _PORTS = 10_000, 20_000
_LONG_AGO: Final = 1_000_000_000.0  # each daemon of Postfix waits until a file that it reads is older than a second

_OWNED: Final = "active bounce corrupt defer deferred flush hold incoming private saved trace"
_MAIN: Final = """
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/mail.log
maillog_file_prefixes = {root}
myhostname = mx.test.invalid
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
enable_long_queue_ids = yes
in_flow_delay = 0
alias_maps =
alias_database =
local_recipient_maps =
smtpd_reject_unlisted_recipient = no
default_transport = virtual
virtual_mailbox_base = {root}/mail
virtual_mailbox_maps = regexp:{root}/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_relay_restrictions = permit_mynetworks, reject
{more}
"""
_MASTER: Final = """
127.0.0.1:{port} inet n - n - {processes} smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A running server: `port` is where it speaks SMTP, `log` where it tells what it does."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.port = port
        self.log = root / "mail.log"

    def lines(self) -> list[str]:
        """Return its log so far; the file is made when there is first something to say."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def all_lines(self) -> list[str]:
        """Return its log with everything that it said until now.

        A client may be answered before that is written, but not before it was said: so something is said after it.
        """
        mark = secrets.token_hex(8)
        subprocess.run([POSTLOG, "-c", str(self.root / "conf"), "-t", "tests", mark], check=True, timeout=LONGEST)
        eventually(lambda: any(line.endswith(mark) for line in self.lines()))
        return self.lines()

    def messages(self) -> list[mailbox.MaildirMessage]:
        """Return what it delivered."""
        folder = self.root / "mail" / "box"
        return list(mailbox.Maildir(folder, create=False)) if folder.exists() else []

    def reports(self) -> list[mailbox.MaildirMessage]:
        """Return the reports of delivery among them."""
        return [message for message in self.messages() if message.get_content_type() == "multipart/report"]

    def wait_until_done_with(self, *queue_ids: str) -> None:
        """Wait until nothing of these messages is in its queue."""
        eventually(lambda: {f"{queue_id}: removed" for queue_id in queue_ids} <= _ends(self.lines()))


@contextmanager
def postfix(more: str = "", *, processes: str = "-") -> Iterator[Postfix]:
    """Run a server; `more` are lines of main.cf, `processes` how many may speak SMTP at a time."""
    root = Path(tempfile.mkdtemp(prefix="postfix-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        server = Postfix(root, free_port())
        _configure(server, more, processes)
        command = [
            str(MASTER),
            "-c",
            str(root / "conf"),
            "-d",
        ]  # in the foreground, with a process group to end as a whole
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        started = process
        eventually(lambda: answers(server.port), lambda: started.poll() is not None)
        yield server
    finally:
        if process is not None:
            process.terminate()
            process.wait(LONGEST)
        shutil.rmtree(root)


def _configure(server: Postfix, more: str, processes: str) -> None:
    root = server.root
    root.chmod(0o755)  # its daemons are other users
    for name in ("conf", "queue", "data", "mail"):
        (root / name).mkdir()
    for name in ("pid", "public", "maildrop", *_OWNED.split()):
        folder = root / "queue" / name
        folder.mkdir(mode=0o700)
        if name != "pid":
            shutil.chown(folder, "postfix", "postdrop" if name in ("public", "maildrop") else None)
    (root / "queue" / "public").chmod(0o710)
    (root / "queue" / "maildrop").chmod(0o730)
    shutil.chown(root / "data", "postfix")
    shutil.chown(root / "mail", "nobody", "nogroup")
    status = (root / "mail").stat()
    (root / "mailboxes").write_text(f"!/^{UNDELIVERABLE}@/ box/\n")
    conf = root / "conf"
    (conf / "main.cf").write_text(_MAIN.format(root=root, uid=status.st_uid, gid=status.st_gid, more=more))
    (conf / "master.cf").write_text(_MASTER.format(port=server.port, processes=processes))
    for file in (conf / "main.cf", conf / "master.cf", root / "mailboxes"):
        os.utime(file, (_LONG_AGO, _LONG_AGO))


def free_port() -> int:
    """Return a port that nobody listens on, nor is given by the system meanwhile to somebody who connects."""
    while True:
        port = _LOWEST_PORT + secrets.randbelow(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(port: int) -> bool:
    """Say whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


def _ends(lines: list[str]) -> set[str]:
    return {line.split("]: ", 1)[-1] for line in lines if line.endswith(": removed")}
