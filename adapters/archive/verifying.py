"""An archive compared with what was signed of its log, and with itself: nothing is needed but its files."""

from collections.abc import Iterable
from pathlib import Path

from huissier.adapters.archive.reading import Archive
from huissier.adapters.errors import DamagedArchiveError
from huissier.adapters.evidence.checkpoint import Head
from huissier.adapters.evidence.leaf import leaf_of
from huissier.adapters.evidence.verifying import LogVerifier, Verified, verified
from huissier.adapters.integrity.findings import Findings
from huissier.adapters.log.port import Progress, Whole


def verify_archive(folder: Path, heads: Iterable[Head], progress: Progress = lambda _done, _of: None) -> Verified:
    """Hash the whole log in an archive, and compare it with checkpoints' heads and with the sums of its files.

    `progress` is told the position read and the last one. Raises `ArchiveError` where there is no archive.
    """
    archive, findings = Archive(folder), Findings()
    verifier, head = LogVerifier(heads, findings), _head(archive)
    try:
        for page in archive.pages():
            verifier.take_in((row[0], _leaf(row)) for row in page)
            progress(verifier.events, head)
    except DamagedArchiveError as problem:
        verifier.lose(problem.what, problem.position)
    verifier.end()
    for name in archive.layout.strays():
        findings.problem(f"{name} is not of this archive: export again where an export broke off, else remove it")
    for name in archive.layout.links():
        findings.problem(f"{name} is a link, and an archive has none: what is behind it is not looked at, but queried")
    return verified(verifier, findings)


def _head(archive: Archive) -> int:
    """Return the last position, as far as it can be known; what is wrong is told in its turn."""
    try:
        return archive.head
    except DamagedArchiveError as problem:
        return problem.position


def _leaf(row: Whole) -> bytes:
    _, kind, data, tags = row
    return leaf_of(kind, tags, data)
