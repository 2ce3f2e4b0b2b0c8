"""A gateway process from its start to its end: store, listeners, signals.

SIGTERM and SIGINT: stop listening, answer what was asked, close. SIGHUP: read configuration and white list again while
connections stay; where anything is wrong with the new ones it is logged, and the old ones stay.
"""

import asyncio
import gc
import logging
import math
import os
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Final, Protocol

from msgspec.structs import replace

from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import WhiteListError
from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.health import health_server
from huissier.adapters.gateway.journal import Journal
from huissier.adapters.gateway.lately import Lately
from huissier.adapters.gateway.metrics import Metrics
from huissier.adapters.gateway.serving.listening import ListenError, listening_on, parse_address, parse_inet
from huissier.adapters.gateway.serving.reloading import Reloading, load_white_list
from huissier.adapters.gateway.serving.server import Server
from huissier.adapters.gateway.serving.session import Session
from huissier.adapters.gateway.serving.systemd import notify, passed_sockets
from huissier.adapters.gateway.settings import FrontName, FrontSection, Settings
from huissier.adapters.gateway.watching import Watches
from huissier.domain.commands import SubmitMessage

_LOG: Final = logging.getLogger(__name__)
_OTHER_FILES: Final = 256  # besides connections: the store, listeners, threads
_READY_SECONDS: Final = 2.0
_TELL_AGAIN_SECONDS: Final = 1.0
_ANY_QUESTION: Final = SubmitMessage(id="ready", sender="", recipients=[""])


class Front(Protocol):
    """One protocol: it makes one session per connection, and takes new settings while it runs."""

    def new_session(self) -> Session:
        """Return the session of a new connection."""
        ...

    def follow(self, settings: Settings) -> None:
        """Take new settings, for what begins from now on."""


def run(
    engine: Engine,
    name: FrontName,
    make_front: Callable[[Gateway], Front],
    load: Callable[[], Settings],
    settings: Settings,
) -> None:
    """Serve until a signal ends it. `load` reads the settings again.

    Raises `ListenError`, `WhiteListError` where there is neither a list nor anything recorded, and `StoreError`.
    """
    asyncio.run(_Process(engine, name, make_front, load, settings).serve())


class _Process:
    """What lives as long as the process."""

    def __init__(
        self,
        engine: Engine,
        name: FrontName,
        make_front: Callable[[Gateway], Front],
        load: Callable[[], Settings],
        settings: Settings,
    ) -> None:
        self._engine = engine
        self._async_engine = AsyncEngine(engine)
        self._name: FrontName = name
        self._settings = settings
        self._metrics = Metrics()
        self._lately = Lately()
        watches = Watches(Journal(engine.digest), self._metrics, self._lately)
        self._gateway = Gateway(self._async_engine, settings.policy, watches)
        self._front = make_front(self._gateway)
        self._front.follow(settings)
        self._server = Server(self._front.new_session, settings.limits(name))
        self._metrics.look_at(engine, lambda: len(self._server))
        self._reloading = Reloading(engine, settings, load, name, self._follow)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._turns: Callable[[], None] = lambda: None

    async def serve(self) -> None:
        """Serve until a signal ends it."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        self._turns = lambda: asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(_READY_SECONDS)
        loop.set_exception_handler(_type_teller())
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(self._reload()))
        section = self._settings.front(self._name)
        self._limit_connections(self._settings)
        with ExitStack() as stack:
            sockets = _all_sockets(section, stack)
            await self._load_first_list()
            if section.metrics:
                address = parse_inet(section.metrics)
                port = stack.enter_context(health_server(address, self._metrics.registry, self._why_not_ready))
                _LOG.info("metrics", extra={"host": address.host, "port": port})
            gc.collect()
            gc.freeze()  # what was loaded stays: looking through it for garbage would hold up everybody for a moment
            await self._server.listen(sockets)
            self._begin(_ping_watchdog())
            _LOG.info("listening", extra={"on": [_named(each) for each in sockets]})
            notify("READY=1")
            await ended.wait()
            await self._end()

    async def _end(self) -> None:
        notify("STOPPING=1")
        _LOG.info("draining", extra={"connections": len(self._server)})
        await self._server.drain(self._settings.timeouts.drain)
        for task in self._tasks:
            task.cancel()
        await self._async_engine.close()
        _LOG.info("ended")

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)  # the loop alone would let it be collected
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        self._metrics.reloaded(done=await self._reloading.reload())

    def _follow(self, settings: Settings) -> None:
        self._settings = settings
        self._gateway.policy = settings.policy
        self._limit_connections(settings)
        self._front.follow(settings)

    def _limit_connections(self, settings: Settings) -> None:
        """Take no more connections than there are files for: asyncio spins where it has none left to accept one."""
        limits = settings.limits(self._name)
        self._server.limits = replace(limits, connections=_room(limits.connections))

    async def _load_first_list(self) -> None:
        """Load the list; a bad one is only logged where the log is not empty, for mail must flow after a restart."""
        try:
            await asyncio.to_thread(load_white_list, self._engine, self._settings.white_list)
        except WhiteListError as problem:
            if not self._engine.head:
                raise
            _LOG.error("white-list-refused", extra={"why": str(problem)})

    def _why_not_ready(self) -> str | None:
        if self._server.is_draining:
            return "draining"
        try:
            self._turns()
        except (TimeoutError, RuntimeError):  # the event loop is held up, and with it all mail, or has ended
            return "the service does not answer"
        try:
            self._engine.check(_ANY_QUESTION, timeout=_READY_SECONDS)
        except Exception:  # whatever it is, no decision can be had
            return "the store does not answer"
        return "the store could not record lately" if self._lately.has_failed else None


def _all_sockets(section: FrontSection, stack: ExitStack) -> list[socket.socket]:
    """Return what systemd passed and what the settings name. Raises `ListenError` where that is nothing."""
    passed = passed_sockets()
    named = stack.enter_context(listening_on(map(parse_address, section.listen), int(section.unix_mode, 8)))
    if not passed and not named:
        raise ListenError("there is nothing to listen on: name an address with --listen or in the configuration")
    return [*passed, *named]


def _room(connections: int) -> int:
    """Let the process open as many files as so many connections need; return for how many the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    room = min(connections, max(soft // 2, soft - _OTHER_FILES))
    _LOG.warning("few-files", extra={"files": soft, "wanted": wanted, "connections": room})
    return room


def _named(each: socket.socket) -> str:
    name = each.getsockname()
    return f"unix:{name}" if isinstance(name, str) else f"inet:{name[0]}:{name[1]}"


async def _ping_watchdog() -> None:
    """Tell systemd that the event loop still turns, where it watches."""
    if (microseconds := os.environ.get("WATCHDOG_USEC", "")).isdecimal():
        while True:
            notify("WATCHDOG=1")
            await asyncio.sleep(int(microseconds) / 2_000_000)


def _type_teller() -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return a handler that logs the type of a problem in the event loop, each type once a second at the most."""
    told: dict[str, float] = {}

    def tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        problem, now = type(context.get("exception")).__name__, loop.time()
        if now - told.get(problem, -math.inf) >= _TELL_AGAIN_SECONDS:
            told[problem] = now
            _LOG.error("loop", extra={"problem": problem})

    return tell
