"""A proof that one event stands in a log (C2SP tlog-proof): the event, its path, and the checkpoint it leads to."""

import base64
from typing import Final, Self

from msgspec import Struct

from huissier.adapters.errors import RefusedError, UnreadableEvidenceError
from huissier.adapters.evidence.checkpoint import Checkpoint, read_hash, read_size
from huissier.adapters.evidence.note import read_base64
from huissier.adapters.evidence.tree import Hash, includes, leaf_hash

_FIRST: Final = b"c2sp.org/tlog-proof@v1\n"
_EXTRA: Final = "extra "
_INDEX: Final = "index "
_LONGEST_PATH: Final = 63


class Proof(Struct, frozen=True):
    """Everything that is needed to check it but the keys; the leaf is carried as the format's extra data."""

    leaf: bytes
    index: int
    path: tuple[Hash, ...]
    checkpoint: Checkpoint

    @property
    def position(self) -> int:
        """The event's position in the log."""
        return self.index + 1

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a file. Raises `UnreadableEvidenceError`."""
        above, separator, checkpoint = raw.removeprefix(_FIRST).partition(b"\n\n")
        if not raw.startswith(_FIRST) or not separator:
            raise UnreadableEvidenceError(f"a proof begins {_FIRST.decode().strip()} and ends with a checkpoint")
        extra, index, *path = (*above.decode("ascii", "replace").split("\n"), "")
        if not extra.startswith(_EXTRA) or not index.startswith(_INDEX):
            raise UnreadableEvidenceError("a proof has a line with the event and one with its index")
        if len(path) > _LONGEST_PATH + 1:
            raise UnreadableEvidenceError(f"a path has {_LONGEST_PATH} lines at most")
        return cls(
            leaf=read_base64(extra.removeprefix(_EXTRA), "the event"),
            index=read_size(index.removeprefix(_INDEX)),
            path=tuple(map(read_hash, path[:-1])),
            checkpoint=Checkpoint.parse(checkpoint),
        )

    @property
    def text(self) -> bytes:
        """The file."""
        path = "".join(f"{_base64(one)}\n" for one in self.path)
        return _FIRST + f"{_EXTRA}{_base64(self.leaf)}\n{_INDEX}{self.index}\n{path}\n".encode() + self.checkpoint.raw

    def check(self) -> None:
        """Make sure that the path leads from the event to the checkpoint's root. Raises `RefusedError`.

        Whether anybody signed the checkpoint is for `Checkpoint.signed_by` to say.
        """
        head = self.checkpoint.head
        if not includes(head.root, head.size, self.index, leaf_hash(self.leaf), self.path):
            raise RefusedError(f"the event is not the one at position {self.position} of the log that was signed")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
