"""What a gateway counts, for Prometheus: nothing in it names anybody."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import HuissierError
from huissier.adapters.gateway.replies import Reply
from huissier.adapters.views.database import ViewsDatabase
from huissier.adapters.views.runner import Runner
from huissier.domain.commands import SubmitMessage
from huissier.projections.catalogue import ALL

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """Counts decisions, failures and batches of one process, in a registry of its own."""

    def __init__(self) -> None:
        """Start at zero."""
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "huissier_decisions",
            "Answers to mail servers; in shadow: passed, and refused for this reason otherwise.",
            ("stage", "outcome", "reason"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "huissier_decision_seconds",
            "From the question to the answer, durable where it is recorded.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._failures = Counter(
            "huissier_failures", "Questions deferred or malformed, by type of problem.", ("problem",),
            registry=self.registry,
        )  # fmt: skip
        self._abandoned = Counter(
            "huissier_abandoned", "Messages with recipients let through that never came to their end.",
            registry=self.registry,
        )  # fmt: skip
        self._reloads = Counter(
            "huissier_reloads", "Configurations and white lists read, by outcome.", ("outcome",), registry=self.registry
        )
        self._batches = Histogram(
            "huissier_batch_size", "Commands that shared one commit.", buckets=_BATCHES, registry=self.registry
        )
        ProcessCollector(registry=self.registry)

    def look_at(self, engine: Engine, connections: Callable[[], int]) -> None:
        """Count an engine's batches, and on request tell how many commands wait and how many servers are connected."""
        engine.line.observe = self._batches.observe
        waiting = Gauge("huissier_queue_depth", "Commands that wait for the pen.", registry=self.registry)
        waiting.set_function(lambda: len(engine.line))
        connected = Gauge("huissier_connections", "Connections of mail servers.", registry=self.registry)
        connected.set_function(connections)
        self.registry.register(_Lag(engine))

    def decided(self, command: SubmitMessage, reply: Reply, seconds: float, _login: str | None) -> None:
        """Count a decision."""
        stage = command.stage or ""
        outcome = "shadow" if reply.shadow else reply.kind
        self._decisions.labels(stage, outcome, reply.reason or reply.shadow or "").inc()
        self._seconds.labels(stage).observe(seconds)

    def failed(self, problem: Exception) -> None:
        """Count a failure."""
        self._failures.labels(type(problem).__name__).inc()

    def abandoned(self) -> None:
        """Count a message that never came to its end."""
        self._abandoned.inc()

    def reloaded(self, *, done: bool) -> None:
        """Count a configuration that was read, or refused."""
        self._reloads.labels("done" if done else "refused").inc()


class _Lag(Collector):
    """How far read models are behind the log, read when it is asked for; nothing where the store does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Yield the lag of each projection."""
        lag = GaugeMetricFamily("huissier_projection_lag", "Facts not folded yet.", labels=("projection",))
        try:
            with ViewsDatabase(self._engine.place) as database:
                for kind in ALL:
                    lag.add_metric((kind.name,), Runner(self._engine.log, database, kind).standing().lag)
        except HuissierError:
            return
        yield lag

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: asking the store for names alone is not worth it."""
        return iter(())
