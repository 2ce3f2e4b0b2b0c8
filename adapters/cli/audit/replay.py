"""`huissier audit replay`: every fact decided again, and what differs from the log."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, errors_told, fail, print_line, url_of

if TYPE_CHECKING:
    from huissier.adapters.audit.replay.replaying import Difference, Report
    from huissier.adapters.audit.replay.sources import Source

JobsOption = Annotated[
    int | None, typer.Option("--jobs", help="How many processes; by default all cores for a long log.", min=1, max=64)
]
FromOption = Annotated[
    int, typer.Option("--from", help="The first position; facts before it are only folded.", metavar="POSITION", min=1)
]
ToOption = Annotated[int | None, typer.Option("--to", help="The last position.", metavar="POSITION", min=1)]
ArchiveOption = Annotated[
    Path | None, typer.Option("--archive", help="An archive made by `audit export`, not a store.", metavar="DIR")
]


def replay(
    context: typer.Context,
    first: FromOption = 1,
    last: ToOption = None,
    jobs: JobsOption = None,
    store: StoreOption = None,
    archive: ArchiveOption = None,
    json: JsonOption = False,
) -> None:
    """Decide every fact again under the rules of its time and name what differs; change nothing.

    A copy of the store will do, or an archive; the vault's key is not needed. Exit status 0 if nothing differs, 1 if
    something does.
    """
    from huissier.adapters.audit.replay.replaying import replay as replayed
    from huissier.adapters.audit.replay.replaying import report_of
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.json_lines import as_json

    if last is not None and last < first:
        fail("--to: the last position stands before the first", Status.UNREADABLE)
    found = 0
    with errors_told(), progress_bar("replaying") as progress:
        source = source_of(context, store, archive)
        if first > max(source.head, 1):
            fail(f"--from: the log ends at position {source.head}", Status.NO)
        crew = replayed(source, first=first, last=last, jobs=jobs)
        for one in crew.findings(progress):
            found += 1
            print_line(as_json(one) if json else _as_text(one))
    report = report_of(crew.tally, first, min(source.head, last or source.head), found)
    print_line(as_json(report) if json else _summary(report))
    if found:
        raise typer.Exit(Status.NO)


def source_of(context: typer.Context, store: str | None, archive: Path | None) -> "Source":
    """Return the source of a whole log: a store or, where one is named, an archive."""
    from huissier.adapters.audit.replay.sources import StoreSource

    if archive is None:
        return StoreSource.of(url_of(context, store))
    from huissier.adapters.archive.reading import ArchiveSource

    if store is not None:
        fail("name a --store or an --archive, not both", Status.UNREADABLE)
    return ArchiveSource.of(archive)


def _as_text(found: "Difference") -> str:
    from huissier.adapters.printable import printable

    what = " ".join(part for part in (found.kind, found.id) if part)
    before, after = _shown(found.recorded), _shown(found.recomputed)
    return printable(f"position {found.position}  {what}  {found.field}: the log says {before}; decided again: {after}")


def _shown(value: object) -> str:
    """Return a value of a fact for people; for a verdict, its outcome, its reasons and the facts they rest on."""
    from msgspec import json

    match value:
        case str():
            return value
        case {"accepted": accepted, "reasons": reasons, **others}:
            outcome = "accepted" if accepted else "refused in shadow" if others.get("shadow") else "refused"
            return " ".join((outcome, *(f"{reason['code']} {list(reason.get('facts', ()))}" for reason in reasons)))
        case _:
            return json.encode(value).decode()


def _summary(report: "Report") -> str:
    few = {0: "no difference", 1: "1 difference"}
    found = few.get(report.differences, f"{report.differences:,} differences")
    lines = [
        f"{report.facts:,} facts with {report.verdicts:,} verdicts decided again, positions {report.first:,} to"
        f" {report.last:,}: {found}."
    ]
    lines += [f"not checkable: {count:,} × {what}" for what, count in report.not_checkable.items()]
    return "\n".join(lines)
