"""Lines as Postfix 3.7 writes them, a world whose messages they are about, and what became of it."""

import json
from collections.abc import Iterable
from pathlib import Path

import huissier
from huissier import AnyCommand
from huissier.adapters.testing.hospital import DOCTOR, USAGER, world, write
from huissier.domain.answers import Answer
from tests.command_line import Done

STORE = "sqlite:///huissier.db"
GATEWAY = "mx1"
SENT = "250 2.0.0 Ok: queued as 4jb4Qz0000zZZZZ"


def queue_id(number: int = 1) -> str:
    """Return a long queue id, as `enable_long_queue_ids` makes them."""
    return f"4jb4Pk2cHs{'BCDFGHJKLM'[number]}zN3rt"


def delivery(
    to: str,
    status: str = "sent",
    *,
    queue: str | None = None,
    stamp: str = "2026-10-31T09:00:00.500000+00:00",
    said: str = SENT,
    orig_to: str | None = None,
    relay: str = "mx.cabinet.mssante.fr[192.0.2.7]:25",
    program: str = "postfix/smtp",
    dsn: str = "2.0.0",
) -> str:
    """Return the line about one recipient."""
    original = f" orig_to=<{orig_to}>," if orig_to else ""
    return (
        f"{stamp} mx1 {program}[4242]: {queue or queue_id()}: to=<{to}>,{original} relay={relay}, delay=0.06,"
        f" delays=0.04/0.01/0/0.01, dsn={dsn}, status={status} ({said})\n"
    )


def line(rest: str, *, program: str, queue: str | None = None, stamp: str = "2026-10-31T09:00:00.500000+00:00") -> str:
    """Return any other line about a message in the queue."""
    return f"{stamp} mx1 {program}[4242]: {queue or queue_id()}: {rest}\n"


def submitted(recipients: Iterable[str], sender: str, *, number: int = 1, final_hop: bool = False) -> AnyCommand:
    """Submit a message under the id that a gateway gives it, at half past eight."""
    from huissier.adapters.testing.hospital import moment

    id_ = f"{GATEWAY}/{queue_id(number)}"
    return write(sender, *recipients, id=id_, at=moment("2026-10-31T08:30"), final_hop=final_hop)


def told(url: str, *commands: AnyCommand) -> list[Answer]:
    """Handle some commands in the world of all tests."""
    with huissier.open(url) as engine:
        return engine.handle_many([*world(), *commands])


def kept_aside(folder: Path) -> str:
    """Return what was kept aside, nothing where there is no such file."""
    file = folder / "huissier-aside.jsonl"
    return file.read_text() if file.exists() else ""


def counts(done: Done) -> dict[str, object]:
    """Return what `huissier ingest --json` says that it counted."""
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def may_answer() -> bool:
    """Say whether the usager may write to the doctor, by the store in this folder."""
    with huissier.open(STORE) as engine:
        return engine.check(write(USAGER, DOCTOR)).outcome == "accepted"
