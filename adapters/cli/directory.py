"""`huissier directory`: local mailboxes as of any date, exported for others and imported from them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from huissier.adapters.cli.shared import (
    MOST,
    JsonOption,
    Status,
    StoreOption,
    check_folder,
    fail,
    fail_behind,
    read_moment,
    read_option,
)
from huissier.adapters.errors import StoreError
from huissier.adapters.json_lines import as_json
from huissier.adapters.printable import printable
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.times import written

if TYPE_CHECKING:
    from huissier.adapters.directory.importing import Counts, Import, NotTaken
    from huissier.adapters.directory.reading import Extraction, Row
    from huissier.projections.directory.as_of import Listed

directory = typer.Typer(help="The directory (annuaire) of local mailboxes.", no_args_is_help=True)

_TOLD_EVERY: Final = 1_000
_MOST_WORDS: Final = 50  # databases have limits of their own, and report them in words that help nobody
_LONGEST_WORD: Final = 1_000
T = TypeVar("T")

AtOption = Annotated[str | None, typer.Option("--at", help="As of when, RFC 3339; now by default.", metavar="TIME")]


@directory.command()
def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(help="Each must match.", metavar="WORD...")],
    at: AtOption = None,
    limit: Annotated[int, typer.Option(help="Show this many at most.", metavar="N", min=1, max=MOST)] = 100,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Find mailboxes by how a name, service, address, domain, RPPS, ADELI or FINESS number begins.

    Accents and case do not count. Exit status 1 if there is none.
    """
    from huissier.adapters.cli.views import caught_up  # imports the database library, which --help does not need
    from huissier.projections.directory.as_of import AsOf
    from huissier.projections.directory.facts import Directory

    moment = read_moment("--at", at)
    if len(words) > _MOST_WORDS or max(map(len, words)) > _LONGEST_WORD:
        fail(f"say at most {_MOST_WORDS} words of {_LONGEST_WORD} characters", Status.UNREADABLE)
    with caught_up(context, store, Directory) as (_, connection, projection):
        found = list(islice(AsOf(projection, connection, moment).search(words), limit + 1))
    for listed in found[:limit]:
        typer.echo(as_json(listed) if json else _summary(listed))
    if len(found) > limit:
        typer.echo(f"huissier: there are more than {limit}; say more, or raise --limit", err=True)
    if not found:
        raise typer.Exit(Status.NO)


@directory.command()
def show(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="The mailbox's address; a usager's is the opaque one.")],
    at: AtOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Print what a mailbox is and its whole life, one line per fact. Exit status 1 if there is none."""
    from huissier.adapters.cli.views import caught_up
    from huissier.adapters.directory.life import Life, sentence
    from huissier.projections.directory.as_of import AsOf
    from huissier.projections.directory.facts import Directory

    moment, wanted = read_moment("--at", at), _address(address)
    with caught_up(context, store, Directory) as (_, connection, projection):
        then = AsOf(projection, connection, moment)
        listed, facts = then.at_addresses([wanted]).get(wanted), then.life(wanted)
    if listed is None:
        fail(f"there was no mailbox {wanted} at {written(moment)}", Status.NO)
    if json:
        typer.echo(as_json(Life.of(listed, facts)))
        return
    typer.echo(_details(listed))
    for fact in facts:
        typer.echo(f"{written(fact.at)}  {fact.position:>8}  {printable(sentence(fact.event))}")


@directory.command()
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="The folder the file is written to.", metavar="DIR")] = Path(),
    fhir: Annotated[bool, typer.Option("--fhir", help="FHIR R4 bundles instead of the 31 columns.")] = False,
    at: AtOption = None,
    store: StoreOption = None,
) -> None:
    """Write an extraction in 31 columns, or FHIR bundles, of the mailboxes that the national directory shows.

    Those are PER and ORG mailboxes in use, and never any on the liste rouge, nor APP, CAB or usagers' mailboxes. The
    file's name holds the time in UTC.
    """
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.cli.views import caught_up
    from huissier.adapters.directory import fhir as bundles
    from huissier.adapters.directory import writing
    from huissier.adapters.private_file import private_file
    from huissier.projections.directory.as_of import AsOf
    from huissier.projections.directory.facts import Directory

    moment = read_moment("--at", at)
    if moment.year not in writing.YEARS:
        fail(f"--at: a ZIP tells times of the years {writing.YEARS[0]} to {writing.YEARS[-1]}", Status.UNREADABLE)
    write: Callable[[Iterable[Listed], IO[bytes], datetime], int]
    name, write = (
        (bundles.bundles_name(moment), bundles.write_bundles)
        if fhir
        else (writing.extraction_name(moment), writing.write_extraction)
    )
    check_folder(out)
    path = out / f"{name}.zip"
    with caught_up(context, store, Directory) as (_, connection, projection):
        then = AsOf(projection, connection, moment)
        total = then.how_many()
        with progress_bar("exporting") as bar, private_file(path) as file:
            count = write(_telling(then.all(), lambda done: bar(done, total)), file, moment)
    typer.echo(f"{path}: {count:,} mailboxes")


@directory.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An extraction in 31 columns, plain or in its ZIP.")],
    at: Annotated[
        str | None, typer.Option(help="When the mailboxes were created, RFC 3339; now by default.", metavar="TIME")
    ] = None,
    skip_remote: Annotated[
        bool, typer.Option("--skip-remote", help="Count rows on domains not hosted here, but do not print them.")
    ] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Create the mailboxes of an extraction that are on hosted domains, and report every row that was not taken.

    Importing the same file again changes nothing. Exit status 2 if a row cannot be read, else 1 if a mailbox of a
    hosted domain could not be created.
    """
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.cli.views import caught_up
    from huissier.adapters.directory.importing import Import
    from huissier.adapters.directory.reading_ahead import rows_of
    from huissier.projections.directory.facts import Directory

    moment = None if at is None else read_moment("--at", at)
    with (
        _opened(file) as extraction,
        progress_bar("importing") as bar,
        rows_of(file, extraction, moment, lambda position: bar(position, extraction.size)) as rows,
        caught_up(context, store, Directory) as (engine, connection, projection),
    ):
        work = Import(engine, connection, projection, moment)
        for row in _recorded(work, rows, file):
            if not (skip_remote and row.outcome == "elsewhere"):
                typer.echo(as_json(row) if json else f"line {row.line}: {row.error}")
    typer.echo(as_json(work.counts) if json else _told(work.counts))
    if work.counts.invalid:
        raise typer.Exit(Status.UNREADABLE)
    if work.counts.refused:
        raise typer.Exit(Status.NO)


def _address(text: str) -> str:
    """Return an address as the log writes it; a usager's opaque address is so already."""
    address = MailboxAddress.of_fact(text.strip().lower())
    if address.is_pseudonym:
        return address.text
    address = read_option("ADDRESS", MailboxAddress.parse, text)
    if address.holds_ins_shape:
        fail("an INS is not looked up in the directory; a usager's mailbox is named as the log does", Status.UNREADABLE)
    return address.text


@contextmanager
def _opened(file: Path) -> "Iterator[Extraction]":
    """Open an extraction; where it is none, end the program with the reason."""
    from huissier.adapters.directory.reading import ExtractionError, open_extraction

    with ExitStack() as stack:
        try:
            extraction = stack.enter_context(open_extraction(file))
        except ExtractionError as problem:
            fail(f"{file}: {problem}", Status.UNREADABLE)
        yield extraction


def _recorded(work: "Import", rows: "Iterable[Row]", file: Path) -> "Iterator[NotTaken]":
    """Yield the rows not taken; where the file or the store fails, say up to which line rows were taken in, and end."""
    from huissier.adapters.directory.reading import ExtractionError

    try:
        yield from work.run(rows)
    except ExtractionError as problem:
        behind = f"; nothing after line {work.line} was taken in" if work.counts.rows else ""
        fail(f"{file}: {problem}{behind}", Status.UNREADABLE)
    except StoreError as problem:
        fail_behind(work.line, problem)


def _telling(things: Iterable[T], tell: Callable[[int], None]) -> Iterator[T]:
    """Pass things on, and now and then call `tell` with how many there were."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % _TOLD_EVERY == 0:
            tell(number)


def _summary(listed: "Listed") -> str:
    identifiers = (
        f"{name.upper()} {value}"
        for name in ("rpps", "adeli", "finess")
        if (value := getattr(listed, name)) is not None
    )
    parts = (listed.kind, listed.status, listed.name, *identifiers, "liste rouge" if listed.liste_rouge else None)
    return printable(f"{listed.address}: {', '.join(part for part in parts if part)}")


def _details(listed: "Listed") -> str:
    lines = [
        ("kind", listed.kind),
        ("status", f"{listed.status} since {written(listed.status_since)}"),
        ("since", written(listed.since)),
        ("name", listed.name),
        ("RPPS", listed.rpps),
        ("ADELI", listed.adeli),
        ("FINESS", listed.finess),
        ("service", listed.service),
        ("secteur", listed.secteur),
        ("liste rouge", "yes" if listed.liste_rouge else "no"),
        ("CGU signed", listed.cgu or "none"),
        ("operator", listed.operator or "unknown"),
        ("hosted here", "yes" if listed.local else "no"),
    ]
    return "\n".join([listed.address, *(printable(f"  {name}: {value}") for name, value in lines if value is not None)])


def _told(counts: "Counts") -> str:
    return (
        f"{counts.rows:,} rows: {counts.created:,} mailboxes created, {counts.unchanged:,} there already,"
        f" {counts.elsewhere:,} on domains not hosted here, {counts.refused:,} refused, {counts.invalid:,} unreadable"
    )
