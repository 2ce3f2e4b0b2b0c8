"""Checkpoints and proofs of an open log, made from its tree."""

from collections.abc import Iterable
from datetime import datetime

from huissier.adapters.errors import RefusedError
from huissier.adapters.evidence.checkpoint import Checkpoint, Head, Submitted, with_proof
from huissier.adapters.evidence.keys import Signer
from huissier.adapters.evidence.nodes import leaves_behind
from huissier.adapters.evidence.proof import Proof
from huissier.adapters.evidence.tree import Hash, Tree, leaf_hash
from huissier.adapters.log import codec
from huissier.adapters.log.port import Log
from huissier.domain.events import MessageDecided
from huissier.domain.tags import submission_tag


def checkpoint_of(tree: Tree, signer: Signer, now: datetime) -> Checkpoint:
    """Sign a log as it stands. Raises `RefusedError` where it does not continue what was signed before."""
    head = Head(signer.verifier.name, tree.size, tree.root())
    line = signer.sign(head, lambda old: tree.consistency(old, head.size), int(now.timestamp()))
    return Checkpoint.parse(f"{head.text}\n{line}".encode())


def since(tree: Tree, old: int, checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint behind the proof that it continues the log of `old` events. Raises `RefusedError`."""
    return with_proof(old, tree.consistency(old, checkpoint.head.size), checkpoint.raw)


def position_of(log: Log, ids: Iterable[str]) -> int | None:
    """Return where a submission was decided, by its id as facts keep it; None where there is none."""
    with log.reading() as look:
        for _, position, data in look.by_tag([submission_tag(id_) for id_ in ids]):
            if isinstance(codec.decode(data, position).event, MessageDecided):
                return position
    return None


def proof_of(log: Log, tree: Tree, position: int, checkpoint: Checkpoint) -> Proof:
    """Prove that an event stands in the log that was signed. Raises `RefusedError` where it does not."""
    head = checkpoint.head
    if position > head.size:
        raise RefusedError(f"the event stands at position {position}, and the checkpoint ends at {head.size}")
    (leaf,) = leaves_behind(log, position - 1, 1)
    if leaf_hash(leaf) != tree.leaf(position - 1):
        raise RefusedError(f"the event at position {position} is not the one that was there before")
    proof = Proof(leaf, position - 1, tuple(tree.inclusion(position - 1, head.size)), checkpoint)
    proof.check()
    return proof


def witnessed(submitted: Submitted, signer: Signer, now: datetime) -> bytes:
    """Countersign a checkpoint whose log's signature was checked, and return it with the new signature.

    Raises `RefusedError` where it does not continue what was countersigned before, or does not prove it.
    """

    def proof_from(size: int) -> tuple[Hash, ...]:
        if submitted.old != size:
            raise RefusedError(
                f"the last checkpoint countersigned had {size} events: ask the log for one with a proof from there"
                f" (huissier audit checkpoint --since {size})"
            )
        return submitted.proof

    checkpoint = submitted.checkpoint
    line = signer.sign(checkpoint.head, proof_from, int(now.timestamp()), checkpoint.note.text)
    return checkpoint.raw + line.encode()
