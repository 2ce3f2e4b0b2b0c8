"""A store's file read without a trace: nothing in it is changed, and nothing is made beside it.

SQLite makes files beside a store even to read it, and a folder may be read-only. So a file that nobody uses is read
as it lies, without locks; whether somebody began to write meanwhile is told afterwards. A file with a log beside it
may be in use: there SQLite keeps to one snapshot, and only its own shared memory (`-shm`) is touched.
"""

from pathlib import Path
from typing import NamedTuple, Self

import sqlalchemy as sa

_LOGS = ("-wal", "-journal")


class FileState(NamedTuple):
    """What a file looks like from outside: other than before once somebody has written to it or uses it."""

    inode: int
    size: int
    written: int
    in_use: bool

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file, and at what the database keeps beside it, whatever link leads there."""
        stat = path.stat()
        in_use = any(Path(f"{path.resolve()}{log}").exists() for log in _LOGS)
        return cls(stat.st_ino, stat.st_size, stat.st_mtime_ns, in_use)


def reading_url(url: sa.URL, path: Path, state: FileState) -> sa.URL:
    """Return the URL through which SQLite only reads a file."""
    manner = {"mode": "ro"} if state.in_use else {"immutable": "1"}
    return url.set(database=path.resolve().as_uri(), query={"uri": "true", **manner})
