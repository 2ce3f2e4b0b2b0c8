"""`huissier audit report`: a part of the log as one page for people, with what is proved of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.audit.asking import (
    LanguageOption,
    SinceOption,
    UntilOption,
    names_beside,
    read_period,
    read_private,
    read_submission,
    usager_named,
)
from huissier.adapters.cli.audit.evidence import keys_in, submitted_in
from huissier.adapters.cli.progress import progress_bar
from huissier.adapters.cli.shared import Status, StoreOption, errors_told, fail, read_option, tell, url_of

if TYPE_CHECKING:
    from huissier.adapters.audit.report.evidence import Evidence
    from huissier.adapters.audit.report.reporting import Report
    from huissier.adapters.evidence.note import VerifierKey
    from huissier.adapters.log.pen import Reading
    from huissier.adapters.log.port import Progress
    from huissier.adapters.log.read_only import ReadOnlyLog


def report(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Where the page is written.", metavar="FILE.html")],
    since: SinceOption = None,
    until: UntilOption = None,
    mailbox: Annotated[str | None, typer.Option(help="Facts about a mailbox.", metavar="ADDRESS")] = None,
    contact: Annotated[
        tuple[str, str] | None, typer.Option(help="Facts about both of two mailboxes.", metavar="ADDRESS ADDRESS")
    ] = None,
    usager: Annotated[
        str | None,
        typer.Option(
            help="Facts about the usager whose INS is in a file; with --mailbox, about both.", metavar="FILE|-"
        ),
    ] = None,
    submission: Annotated[
        str | None, typer.Option(help="Facts about a message; - reads its id from standard input.", metavar="ID")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint to compare the log with; repeatable.", metavar="FILE")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="File of verifier keys; each of them must have signed.", metavar="FILE")
    ] = None,
    lang: LanguageOption = "en",
    store: StoreOption = None,
) -> None:
    """Write one page: the facts asked for, each decision explained, and what checkpoints prove about them.

    A copy of the store will do, and nothing in it is changed; the vault's key is needed only if an INS is given. Exit
    status 1 if no such message was submitted, or if something contradicts a checkpoint, which the page also says.
    """
    from huissier.adapters.audit.report.page import page_of
    from huissier.adapters.audit.report.reporting import Report
    from huissier.adapters.audit.report.subject import Subject, submitted_as
    from huissier.adapters.clock import utc_now
    from huissier.adapters.log.read_only import ReadOnlyLog
    from huissier.adapters.private_file import private_file

    if key is not None and not checkpoint:
        fail("--key goes with --checkpoint", Status.UNREADABLE)
    happened = read_period(since, until)
    mailboxes = _mailboxes(mailbox, contact)
    with errors_told(), private_file(out) as file, ReadOnlyLog(url_of(context, store)) as log:
        meant = None if usager is None else usager_named(names_beside(log), "--usager", read_private(usager))
        ids = () if submission is None else _ids(log, read_submission("--submission", submission))
        with log.reading() as look, progress_bar("reporting") as progress:
            kept = submitted_as(look, ids)
            if submission is not None and kept is None:
                fail("no message was submitted under this id", Status.NO)
            subject = Subject(happened=happened, mailboxes=mailboxes, usager=meant, submission=kept)
            evidence = _evidence(log, look, checkpoint or [], () if key is None else keys_in(key), progress)
            made = Report(look, subject, evidence, lang, utc_now())
            file.writelines(piece.encode() for piece in page_of(made, progress))
    _conclude(out, made)


def _conclude(out: Path, made: "Report") -> None:
    typer.echo(f"{out}: facts: {made.facts:,}, decisions among them: {made.decisions:,}")
    for problem in made.evidence.problems:
        tell(str(problem))
    if made.evidence.problems:
        raise typer.Exit(Status.NO)


def _mailboxes(mailbox: str | None, contact: tuple[str, str] | None) -> tuple[str, ...]:
    from huissier.adapters.audit.asking import mailbox as meant

    named = [("--contact", one) for one in contact or ()]
    if mailbox is not None:
        named.append(("--mailbox", mailbox))
    return tuple(dict.fromkeys(read_option(option, meant, text) for option, text in named))


def _ids(log: "ReadOnlyLog", id_: str) -> frozenset[str]:
    """Return the forms in which the log may keep an id; only one that holds an INS needs the vault's key."""
    from huissier.domain.vocabulary.ins import mentions_ins

    return names_beside(log).submission(id_) if mentions_ins(id_) else frozenset((id_,))


def _evidence(
    log: "ReadOnlyLog", look: "Reading", checkpoints: list[Path], keys: "Sequence[VerifierKey]", progress: "Progress"
) -> "Evidence":
    from huissier.adapters.audit.report.evidence import Given, evidence_of
    from huissier.adapters.evidence.kept import kept_beside
    from huissier.adapters.evidence.store_leaves import verify_log

    given = [Given(file.name, submitted_in(file)) for file in checkpoints]
    with kept_beside(log.place) as kept:
        return evidence_of(given, keys, lambda heads: verify_log(look.session, heads, kept, progress))
