"""What it costs to prove that nothing was changed: checkpoints, proofs and verifying them, on long logs.

A decision does nothing for the tree: whoever asks for a checkpoint hashes what the log has gained. So what hashing an
event costs is measured by itself, on the first log, against reading the event through the cursor and against decisions:
in memory and in batches, where one is cheapest, and durable ones of one caller and of many. The logs are those of
`benchmarks.history`: SQLite, in the system's cache where the memory allows it.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import sqlalchemy as sa

import huissier
from benchmarks.history import build
from benchmarks.measure import Report, arguments, say, scratch
from benchmarks.profiling import BATCH, in_batches
from huissier.adapters.bench.callers import MOST, Callers, new_key, scratch_engine
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Figure, Lap, each, lap, rate, take_turns
from huissier.adapters.clock import utc_now
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.evidence.checkpoint import Checkpoint, Submitted
from huissier.adapters.evidence.keys import Signer
from huissier.adapters.evidence.making import checkpoint_of, proof_of, since
from huissier.adapters.evidence.nodes import Nodes
from huissier.adapters.evidence.note import LOG
from huissier.adapters.evidence.proof import Proof
from huissier.adapters.evidence.store_leaves import verify_store
from huissier.adapters.log import codec
from huissier.adapters.views.database import ViewsDatabase

PAGE = 4_096
SOME = 200

Contestants = dict[str, Callable[[], Lap]]


class Bench(NamedTuple):
    """One log under measurement, hashed once, with the key that signs it."""

    size: int
    url: sa.URL
    engine: Engine
    nodes: Nodes
    signer: Signer
    half: bytes  # the root over the first half

    def contestants(self) -> Contestants:
        """Return what is measured for each size."""
        signed = self.signed()
        proof = proof_of(self.engine.log, self.nodes.tree(), self.size // 3, signed).text
        grown = since(self.nodes.tree(), self.size // 2, signed)
        return {
            "a checkpoint": partial(lap, self.signed, 1),
            "a proof": partial(lap, partial(self.prove, signed), 1),
            "verifying a proof": partial(several, partial(self.verify_proof, proof)),
            "a proof of consistency": partial(lap, partial(self.prove_consistency, signed), 1),
            "verifying consistency": partial(several, partial(self.verify_consistency, grown)),
        }

    def signed(self) -> Checkpoint:
        return checkpoint_of(self.nodes.tree(), self.signer, utc_now())

    def prove(self, signed: Checkpoint) -> bytes:
        return proof_of(self.engine.log, self.nodes.tree(), self.size // 3, signed).text

    def prove_consistency(self, signed: Checkpoint) -> bytes:
        return since(self.nodes.tree(), self.size // 2, signed)

    def verify_proof(self, raw: bytes) -> None:
        proof = Proof.parse(raw)
        proof.check()
        proof.checkpoint.signed_by([self.signer.verifier])

    def verify_consistency(self, raw: bytes) -> None:
        submitted = Submitted.parse(raw)
        submitted.checkpoint.signed_by([self.signer.verifier])
        older = submitted.checkpoint.head._replace(size=self.size // 2, root=self.half)
        if not submitted.continues(older):
            raise RuntimeError("a proof does not hold")

    def whole(self) -> Contestants:
        """Return what reads the whole log."""
        head = self.signed().head
        url = self.url.render_as_string(hide_password=False)
        return {
            "cursor and decode": partial(lap, partial(decode, self.engine), self.size),
            "hashing": partial(lap, self.nodes.rebuild, self.size),
            "verifying a store": partial(lap, partial(verify_store, url, [head]), self.size),
        }


def main(argv: list[str] | None = None) -> None:
    """Build the logs, measure, and print."""
    parser = arguments(__doc__, rounds=5, on_disk=True)
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000], help="sizes of the logs")
    options = parser.parse_args(argv)
    people, sizes, batches, seconds, rounds = 300, options.events, 50, 0.35, options.rounds
    if options.quick:
        people, sizes, batches, seconds, rounds = 10, [600, 1_000], 1, 0.02, 1
    key, town = new_key(), Town(people)
    figures: list[Figure] = []
    ratios: list[Figure] = []
    notes: list[str] = []
    with scratch(options.dir) as folder, ExitStack() as stack:
        benches = [prepared(stack, folder, key, town, size) for size in sizes]
        for bench in benches:
            name = f"{bench.size:,} events"
            figures += [each(f"{what}, {name}", laps) for what, laps in take_turns(bench.contestants(), rounds).items()]
            views = sum(file.stat().st_size for file in folder.glob(f"{bench.size}.db.views*"))
            log = (folder / f"{bench.size}.db").stat().st_size
            notes.append(f"{name}: the log {log / 1e6:,.0f} MB, the tree {views / 1e6:,.1f} MB")
        smallest = benches[0]
        memory = stack.enter_context(huissier.open("sqlite://"))
        town.settle(memory)
        asked = scratch_engine(sa.URL.create("sqlite", database=str(folder / "asked.db")), key)
        durable = stack.enter_context(Callers(asked, town))
        town.settle(asked)
        durable.tasks(MOST, seconds)  # not counted: first, files and caches reach their size
        contestants: Contestants = {
            f"decisions in memory, {BATCH} in a batch": partial(
                in_batches, memory, town.submissions(seed=1_000_000), batches
            ),
            f"durable decisions, {MOST} asyncio callers": partial(durable.tasks, MOST, seconds),
            "durable decisions, one caller": partial(durable.alone, seconds),
            **smallest.whole(),
        }
        found = {what: rate(what, "/s", laps) for what, laps in take_turns(contestants, rounds).items()}
        *decided, cursor, hashing, verifying = found.values()
        ratios += [one.over(hashing, f"hashing an event / deciding it: {one.name}") for one in decided]
        ratios += [one.over(cursor, f"{one.name} / {cursor.name}, events/s") for one in (hashing, verifying)]
        figures += found.values()
    Report("uv run python -m benchmarks.evidence", ratios, figures, notes).show(as_json=options.json)


def prepared(stack: ExitStack, folder: Path, key: str, town: Town, size: int) -> Bench:
    """Build a log, and hash it once."""
    url = build(folder / f"{size}.db", key, town, size)
    engine = stack.enter_context(scratch_engine(url, key))
    nodes = Nodes(engine.log, stack.enter_context(ViewsDatabase(engine.place)))
    say(f"{size:,} events: hashing")
    began = perf_counter()
    half = nodes.tree().root(size // 2)
    say(f"{size:,} events: hashed in {perf_counter() - began:.0f} s")
    return Bench(size, url, engine, nodes, Signer(folder / f"{size}.key", kind=LOG), half)


def several(work: Callable[[], object]) -> Lap:
    """Do some work often enough to be measured."""

    def again() -> None:
        for _ in range(SOME):
            work()

    return lap(again, SOME)


def decode(engine: Engine) -> None:
    """Read and decode the whole log."""
    after = 0
    while True:
        with engine.log.reading() as look:
            rows = look.after(after, PAGE)
        for after, data, _ in rows:
            codec.decode(data, after)
        if not rows:
            return


if __name__ == "__main__":
    main()
