"""`huissier audit what-if`: a log decided again under other rules, and which verdicts would have been different."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.audit.replay import ArchiveOption, JobsOption, ToOption, source_of
from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, errors_told, fail

if TYPE_CHECKING:
    from huissier.adapters.audit.replay.sources import Source
    from huissier.adapters.audit.replay.what_if import Counts, Flip, Report
    from huissier.domain.what_if import Instead

_SHOWN = 10


def what_if(
    context: typer.Context,
    rules: Annotated[
        Path | None, typer.Argument(help="A file of rule sets and options; see --print.", metavar="RULES.toml")
    ] = None,
    counterfactual: Annotated[
        bool,
        typer.Option(
            "--counterfactual",
            help="Let changed decisions have their consequences; otherwise facts stay as they were.",
        ),
    ] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Print the rule sets that huissier ships, to start from.")
    ] = False,
    last: ToOption = None,
    jobs: JobsOption = None,
    store: StoreOption = None,
    archive: ArchiveOption = None,
    json: JsonOption = False,
) -> None:
    """Decide all messages of the log again under other rules and count what would have been decided otherwise.

    A copy of the store will do, or an archive; nothing is changed. With --json each changed verdict is a line, and
    the last line counts them.
    """
    from huissier.adapters.rule_sets import read_rules, shipped

    if show:
        if rules is not None or counterfactual or last is not None or archive is not None or json:
            fail("--print goes alone: it prints what huissier ships", Status.UNREADABLE)
        sys.stdout.write(shipped())
        return
    if rules is None:
        fail("which rules? name a file like the one that --print shows", Status.UNREADABLE)
    with errors_told():
        instead = read_rules(rules)
        source = source_of(context, store, archive)
        report = _decide_again(source, instead, counterfactual=counterfactual, last=last, jobs=jobs, json=json)
    sys.stdout.write("".join(f"{line}\n" for line in report))


def _decide_again(
    source: "Source", instead: "Instead", *, counterfactual: bool, last: int | None, jobs: int | None, json: bool
) -> list[str]:
    """Print flips as they are found, for people only the first few; return the lines that count them."""
    from huissier.adapters.audit.replay.what_if import Reading, report_of
    from huissier.adapters.audit.replay.what_if import what_if as decided_again
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.json_lines import as_json

    reading: Reading = "counterfactual" if counterfactual else "fixed"
    shown = 0
    with progress_bar("deciding again") as progress:
        crew = decided_again(source, instead, reading, last=last, jobs=jobs)
        for flip in crew.findings(progress):
            if json or shown < _SHOWN:
                sys.stdout.write(f"{as_json(flip) if json else _flip(flip)}\n")
                shown += 1
    report = report_of(crew.tally, reading)
    return [as_json(report)] if json else list(_as_text(report, shown))


def _flip(flip: "Flip") -> str:
    from huissier.adapters.printable import printable
    from huissier.domain.vocabulary.times import written

    before = f"{flip.before} ({' '.join(flip.before_reasons)}; {flip.before_rules})"
    after = f"{flip.after} ({' '.join(flip.after_reasons)}; {flip.after_rules})"
    to = flip.recipient or "an unreadable address"
    return printable(
        f"{flip.position}  {written(flip.at)}  {flip.id}  {flip.sender} to {to}: was {before}, would be {after}"
    )


def _as_text(report: "Report", shown: int) -> Iterator[str]:
    if report.flips > shown:
        yield f"… and {report.flips - shown:,} more; --json prints all"
    yield (
        f"{report.verdicts:,} verdicts of {report.decisions:,} messages decided again, {report.reading} reading:"
        f" {report.flips:,} would be others."
    )
    yield from _counts("by decisive reason", report.reasons)
    yield from _counts("by domain at either end", report.domains)
    yield f"verdicts that stay, for other reasons: {report.other_reasons:,}"
    yield f"contacts affected: {report.contacts_affected:,}"
    if report.reading == "counterfactual":
        yield f"deliveries to usagers that would not have been recorded: {report.deliveries_lost:,}"
        yield f"deliveries to usagers that would have been recorded: {report.deliveries_gained:,}"
    for what, count in report.not_known.items():
        yield f"not known: {count:,} × {what}"


def _counts(title: str, counts: "Counts") -> Iterator[str]:
    for what, by_name in counts.items():
        yield f"{what}, {title}:"
        for name, count in by_name.items():
            yield f"  {count:>8,}  {name or 'unreadable'}"
