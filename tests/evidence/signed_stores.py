"""A store that was signed twice while it grew, for tests that change it behind huissier's back."""

from pathlib import Path
from typing import NamedTuple

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.evidence.checkpoint import Checkpoint
from huissier.adapters.evidence.store_leaves import verify_store
from huissier.adapters.evidence.verifying import Verified
from huissier.adapters.testing.hospital import DOCTOR, NOW, SURGEON, world, write
from huissier.domain.commands import AnyCommand
from tests.evidence.at_hand import checkpoint
from tests.log.by_hand import ByHand
from tests.stores import KEY

EARLY, LATE = 300, 600  # two checkpoints: behind the first block of 256, and behind the second
BAD = 400


def story(first: int, last: int) -> list[AnyCommand]:
    return [write(DOCTOR, SURGEON, id=f"m-{number}", at=NOW) for number in range(first, last + 1)]


class Store(NamedTuple):
    """A store, its checkpoints, and the folder with the key that signed them."""

    by_hand: ByHand
    early: Checkpoint
    late: Checkpoint
    folder: Path

    def verified(self, *checkpoints: Checkpoint) -> Verified:
        return verify_store(self.by_hand.url, [one.head for one in checkpoints])

    def forget_nodes(self) -> None:
        if self.by_hand.is_embedded:
            self.by_hand.path.with_name("huissier.db.views").unlink()
        else:
            self.by_hand.run("DELETE FROM huissier_views.tree_leaves")


def build(url: str, folder: Path) -> Store:
    with Engine(url, environment=KEY) as engine:
        engine.handle_many([*world(), *story(15, EARLY)])
        early = checkpoint(engine, folder)
        engine.handle_many(story(EARLY + 1, LATE))
        late = checkpoint(engine, folder)
    assert (early.head.size, late.head.size) == (EARLY, LATE)
    return Store(ByHand(url), early, late, folder)
