"""A store's file read without a trace: nothing in it is changed, and nothing is made beside it.

SQLite makes files beside a store even to read it, and the folder may be read-only. So a file that nobody uses is read
without locks, and checked for changes afterwards. A file with a log beside it may be in use: SQLite then reads one
snapshot and touches only its own shared memory (`-shm`).
"""

from pathlib import Path
from typing import NamedTuple, Self

import sqlalchemy as sa

_LOGS = ("-wal", "-journal")


class FileState(NamedTuple):
    """A file's state as seen from outside; it differs once somebody has written to the file or uses it."""

    inode: int
    size: int
    written: int
    in_use: bool

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file, following links, and for the logs that the database keeps beside it."""
        stat = path.stat()
        in_use = any(Path(f"{path.resolve()}{log}").exists() for log in _LOGS)
        return cls(stat.st_ino, stat.st_size, stat.st_mtime_ns, in_use)


def reading_url(url: sa.URL, path: Path, state: FileState) -> sa.URL:
    """Return the URL through which SQLite only reads a file."""
    manner = {"mode": "ro"} if state.in_use else {"immutable": "1"}
    return url.set(database=path.resolve().as_uri(), query={"uri": "true", **manner})
