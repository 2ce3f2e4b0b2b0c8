"""What a Postfix server sends, made here, and a gateway to send it to, without sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import huissier
from huissier import Options
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.postfix.session import PolicySession
from huissier.adapters.gateway.postfix.underway import Underway
from huissier.adapters.gateway.transaction import Policy
from huissier.adapters.gateway.watching import UNWATCHED, Watch
from huissier.adapters.testing.hospital import DOCTOR, HOSPITAL, NOW, world

POLICY = Policy(name="mx1", hosted=frozenset({HOSPITAL}))
QUEUE_ID = "4dVQ7l1hZ4z4yTc"
PASS = b"action=DUNNO\n\n"
UNAVAILABLE = b"action=DEFER_IF_PERMIT 4.3.0 huissier: temporairement indisponible, reessayez plus tard\n\n"
OUT_OF_STEP = b"action=DEFER_IF_PERMIT 4.3.0 huissier: session inconnue, reessayez plus tard\n\n"


def asked(state: str, **values: object) -> bytes:
    """Return the bytes of a request, with the names that Postfix sends besides."""
    names = {
        "request": "smtpd_access_policy",
        "protocol_state": state,
        "protocol_name": "ESMTP",
        "helo_name": "peer.example.org",
        "queue_id": "",
        "sender": DOCTOR,
        "recipient": "",
        "recipient_count": 0,
        "client_address": "192.0.2.1",
        "instance": "1a2b.6565a1b2.8f7e6.0",
        "size": 0,
        "ccert_subject": "",
        "ccert_fingerprint": "",
        **values,
    }
    return "".join(f"{name}={value}\n" for name, value in names.items()).encode("utf-8", "surrogateescape") + b"\n"


def rcpt(recipient: str, **values: object) -> bytes:
    """Ask about one recipient."""
    return asked("RCPT", recipient=recipient, **values)


def end(count: int, **values: object) -> bytes:
    """Ask about a message that has come."""
    return asked("END-OF-MESSAGE", **{"recipient_count": count, "queue_id": QUEUE_ID, "size": 1_000, **values})


class Postfix:
    """A server with several connections to one gateway."""

    def __init__(self, engine: AsyncEngine, policy: Policy, watch: Watch, underway: Underway) -> None:
        self.engine = engine
        self.gateway = Gateway(engine, policy, watch)
        self.underway = underway
        self._connections: dict[str, PolicySession] = {}

    @property
    def head(self) -> int:
        return self.engine.engine.head

    async def ask(self, request: bytes, connection: str = "first") -> bytes:
        """Send bytes on a connection and return what comes back."""
        session = self.connection(connection)
        return b"".join([answer async for answer in session.answers(request)])

    def connection(self, name: str = "first") -> PolicySession:
        """Return a connection, opened on first use."""
        return self._connections.setdefault(name, PolicySession(self.gateway, self.underway))


@asynccontextmanager
async def postfix(
    *,
    policy: Policy = POLICY,
    watch: Watch = UNWATCHED,
    options: Options | None = None,
    underway: Underway | None = None,
) -> AsyncIterator[Postfix]:
    """Run a gateway on the small hospital world."""
    async with huissier.open_async("sqlite://", clock=lambda: NOW, options=options) as engine:
        engine.engine.handle_many(world())
        yield Postfix(engine, policy, watch, Underway(watch) if underway is None else underway)


def played(play: Callable[[Postfix], Awaitable[None]], **how: object) -> None:
    """Play a session from its start to its end."""

    async def run() -> None:
        async with postfix(**how) as server:  # type: ignore[arg-type]
            await play(server)

    asyncio.run(run())
