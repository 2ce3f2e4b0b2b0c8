"""`huissier audit export` and `import`: a log as an archive of Parquet files, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.audit.evidence import (
    NameOption,
    SigningKeyOption,
    keys_in,
    signing_with,
    submitted_in,
    tree_of,
)
from huissier.adapters.cli.audit.verify import log_as_text
from huissier.adapters.cli.shared import JsonOption, Status, StoreOption, errors_told, fail, url_of
from huissier.adapters.json_lines import as_json

if TYPE_CHECKING:
    from huissier.adapters.archive.importing import Imported
    from huissier.adapters.archive.writing import Exported
    from huissier.adapters.evidence.checkpoint import Head
    from huissier.adapters.evidence.verifying import Verified


def export(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", help="Folder of the archive, made on first use.", metavar="DIR")],
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Write no checkpoint: neither signing key nor vault's key is used.")
    ] = False,
    name: NameOption = None,
    signing_key: SigningKeyOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write the log to Parquet files by month of recording, with a signed checkpoint, without vault or keys.

    An existing archive gains what came since, and an export that broke off goes on where it stopped. First the whole
    log is hashed and compared: exit status 1 if it does not continue the archive, or what was signed before; then
    nothing is signed or written.
    """
    source = context.get_parameter_source("signing_key")
    if unsigned and (name is not None or (source is not None and source.name == "COMMANDLINE")):
        fail("--name and --signing-key go without --unsigned", Status.UNREADABLE)
    with errors_told():
        from huissier.adapters.archive.writing import export as exported
        from huissier.adapters.cli.progress import progress_bar
        from huissier.adapters.log.read_only import ReadOnlyLog

        if unsigned:
            with ReadOnlyLog(url_of(context, store)) as log, progress_bar("exporting") as progress:
                done = exported(log, to, None, None, progress, progress)
        else:
            with tree_of(context, store) as (engine, tree), progress_bar("exporting") as progress:
                sign = signing_with(context, store, signing_key, name)
                done = exported(engine.log, to, tree, sign, progress, progress)
    typer.echo(as_json(done) if json else _exported(to, done))


def import_(
    context: typer.Context,
    archive: Annotated[Path, typer.Option("--from", help="Folder of the archive.", metavar="DIR")],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="File of verifier keys, one a line; each must have signed each checkpoint, and so every event.",
            metavar="FILE",
        ),
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Read an archive back into a new store, or into one that an import began: the same positions, bytes and tags.

    First the whole archive is verified: if anything is wrong, nothing is imported, the first bad position is printed
    and the exit status is 1. The imported store has no vault: it can be looked at, replayed and counted, but nothing
    is decided on it.
    """
    with errors_told():
        from huissier.adapters.archive.importing import import_archive
        from huissier.adapters.archive.verifying import verify_archive
        from huissier.adapters.cli.progress import progress_bar

        heads = _heads(archive, key)
        with progress_bar("verifying") as progress:
            verified = verify_archive(archive, heads, progress)
        if verified.problems:
            typer.echo(as_json(verified) if json else "\n".join(log_as_text(verified)))
            raise typer.Exit(Status.NO)
        if key is not None and verified.signed < verified.events:
            fail(f"the first {verified.signed:,} of {verified.events:,} events are signed, not all of them", Status.NO)
        url = url_of(context, store)
        with progress_bar("importing") as progress:
            done = import_archive(archive, url, progress=progress)
    typer.echo(as_json(done) if json else "\n".join(_imported(done, verified, is_signed=key is not None)))


def _heads(archive: Path, key: Path | None) -> "list[Head]":
    """Return what the archive's checkpoints say; who signed them is checked only against keys that are named."""
    from huissier.adapters.archive.layout import Layout

    checkpoints = [submitted_in(path).checkpoint for path in Layout(archive).checkpoints()]
    if key is not None:
        keys = keys_in(key)
        for checkpoint in checkpoints:
            checkpoint.signed_by(keys)
    return [checkpoint.head for checkpoint in checkpoints]


def _exported(to: Path, done: "Exported") -> str:
    signed = "not signed" if done.signed_by is None else f"signed by {done.signed_by}"
    return f"{to}: {done.events:,} events in {done.files:,} files, {done.events - done.before:,} of them new; {signed}."


def _imported(done: "Imported", verified: "Verified", *, is_signed: bool) -> list[str]:
    if not verified.signed:
        held = "there is no checkpoint to hold them against"
    elif is_signed:
        held = "all as they were signed"
    else:
        held = f"the first {verified.signed:,} as a checkpoint says, whose signature was not checked (--key)"
    return [
        f"{done.events:,} events, {done.events - done.before:,} of them new; {held}.",
        "The store has no vault: it can be looked at, replayed and counted, and nothing is decided on it.",
    ]
