"""An archive's files. What was written is never changed, so an archive may be kept where nothing can be written twice.

    SHA256SUMS
    checkpoints/000000000015.txt
    month=2026-10/000000000001.parquet

A part holds the events from the position in its name on, all of them recorded in the month of its folder. Months are
those of recording, not of when things happened: facts come late, and a log grows only at its end. `SHA256SUMS` lists
the parts in order, is what `sha256sum -c` reads, and says what belongs to the archive: a part that it does not list was
left by an export that broke off.
"""

import os
import re
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import Final, NamedTuple

from huissier.adapters.errors import ArchiveError
from huissier.adapters.private_file import name_of_draft

SUMS: Final = "SHA256SUMS"
CHECKPOINTS: Final = "checkpoints"
_MONTHS: Final = "month=[0-9][0-9][0-9][0-9]-[0-9][0-9]"
_OURS: Final = (  # what files are named in which folder
    (".", re.compile(re.escape(SUMS))),
    (CHECKPOINTS, re.compile(r"[0-9]{12,19}\.txt")),
    (_MONTHS, re.compile(r"[0-9]{12,18}\.parquet")),
)
_LISTED: Final = re.compile(r"([0-9a-f]{64})  month=([0-9]{4}-[0-9]{2})/([0-9]{12,18})\.parquet")


class Part(NamedTuple):
    """One file: the month its events were recorded in, its first position, and the sum of its bytes."""

    month: str
    first: int
    sha256: str

    @property
    def name(self) -> str:
        """Where it is in the archive."""
        return part_name(self.month, self.first)


class Layout:
    """The files of one archive, as they are listed."""

    def __init__(self, folder: Path) -> None:
        """Read the list of an archive. Raises `ArchiveError` where there is none, or none that can be read."""
        self.folder = folder
        try:
            self.parts = list(_parts((folder / SUMS).read_text("ascii"), folder / SUMS))
        except FileNotFoundError:
            raise ArchiveError(f"{folder} is no archive: it has no {SUMS}") from None
        except (OSError, UnicodeDecodeError):
            raise ArchiveError(f"{folder / SUMS} cannot be read") from None

    def path(self, part: Part) -> Path:
        """Return where a part is."""
        return self.folder / part.name

    def checkpoints(self) -> list[Path]:
        """Return the files with checkpoints, by the number of their events."""
        return sorted((self.folder / CHECKPOINTS).glob("*.txt"))

    def strays(self) -> list[str]:
        """Name the files that a query would read and that are not listed."""
        listed = {part.name for part in self.parts}
        found = (name for name in self._names() if name.lower().endswith(".parquet"))
        return sorted(name for name in found if name not in listed and not (self.folder / name).is_dir())

    def links(self) -> list[str]:
        """Name every link: a search for files does not follow one to a folder, but a query does."""
        return sorted(name for name in self._names() if (self.folder / name).is_symlink())

    def _names(self) -> Iterator[str]:
        for where, folders, files in os.walk(self.folder, onerror=_tell):
            for name in (*folders, *files):
                yield str(Path(where, name).relative_to(self.folder))


def drafts_in(folder: Path) -> Iterator[Path]:
    """Yield the drafts left by an export that was killed while it wrote a file."""
    for where, named in _OURS:
        for path in folder.glob(f"{where}/.*"):
            name = name_of_draft(path)
            if name is not None and named.fullmatch(name) and not path.parent.is_symlink():
                yield path


def part_name(month: str, first: int) -> str:
    """Return where a part is in an archive."""
    return f"month={month}/{first:012}.parquet"


def checkpoint_path(folder: Path, size: int) -> Path:
    """Return where the checkpoint of so many events is."""
    return folder / CHECKPOINTS / f"{size:012}.txt"


def sums_of(parts: list[Part]) -> bytes:
    """Return the list of an archive."""
    return "".join(f"{part.sha256}  {part.name}\n" for part in parts).encode()


def sum_of(path: Path) -> str:
    """Return the sum of a file's bytes."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _tell(problem: OSError) -> None:
    raise ArchiveError(f"{problem.filename} cannot be read: {problem.strerror}")


def _parts(text: str, where: Path) -> Iterator[Part]:
    last = 0
    for number, line in enumerate(text.splitlines(), 1):
        found = _LISTED.fullmatch(line)
        if found is None or int(found[3]) <= last:
            raise ArchiveError(f"{where}, line {number}: not a part of an archive behind the one before")
        last = int(found[3])
        yield Part(found[2], last, found[1])
