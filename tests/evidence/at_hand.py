"""Evidence about a store as a test asks for it: its tree, its checkpoints, and what verifying it finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.evidence.checkpoint import Checkpoint
from huissier.adapters.evidence.keys import Signer
from huissier.adapters.evidence.making import checkpoint_of
from huissier.adapters.evidence.nodes import Nodes
from huissier.adapters.evidence.note import LOG
from huissier.adapters.evidence.tree import Tree
from huissier.adapters.evidence.verifying import Verified
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.views.database import ViewsDatabase


def signer(folder: Path) -> Signer:
    return Signer(folder / "log.key", kind=LOG, name="log.example")


@contextmanager
def nodes_of(engine: Engine) -> Iterator[Nodes]:
    with ViewsDatabase(engine.place) as database:
        yield Nodes(engine.log, database)


def tree_of(engine: Engine) -> Tree:
    with nodes_of(engine) as nodes:
        return nodes.tree()


def checkpoint(engine: Engine, folder: Path) -> Checkpoint:
    with nodes_of(engine) as nodes:
        return checkpoint_of(nodes.tree(), signer(folder), NOW)


def found(verified: Verified) -> list[tuple[int | None, str]]:
    return [(problem.position, problem.what) for problem in verified.problems]
