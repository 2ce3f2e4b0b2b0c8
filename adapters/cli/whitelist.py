"""`huissier whitelist`: the national white list, verified and compared with the trust space."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from huissier.adapters.cli.shared import JsonOption, StoreOption, errors_told, opened
from huissier.adapters.json_lines import as_json

whitelist = typer.Typer(help="The national white list (liste blanche).", no_args_is_help=True)


@whitelist.callback()
def _group() -> None:
    """Keep `load` a subcommand while it is the only one."""


@whitelist.command()
def load(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The signed XML, plain or xz.")],
    trust: Annotated[Path, typer.Option(help="PEM of the pinned signer, or of its CA.", metavar="PEM")],
    max_age: Annotated[
        int | None, typer.Option(help="Refuse a list older than this.", metavar="DAYS", min=0, max=36_500)
    ] = None,
    allow_older: Annotated[
        bool, typer.Option("--allow-older", help="Load it even if it is older than the last one or than --max-age.")
    ] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Verify a white list and record exactly what it changes.

    Its signature is verified against the certificates of --trust, as they were valid at the list's own date. A list
    that is refused changes nothing, and the exit status is 1.
    """
    from huissier.adapters.white_list.file import read_white_list

    with errors_told():
        white_list = read_white_list(file, trust)
    with opened(context, store, None) as engine:
        report = engine.load_white_list(
            white_list, max_age=None if max_age is None else timedelta(days=max_age), allow_older=allow_older
        )
    if json:
        typer.echo(as_json(report))
        return
    typer.echo(
        f"White list of {report.generated_at.isoformat()}: {report.rows} rows, {report.domains} domains,"
        f" {report.pairs} pairs.\n{report.admitted} pairs admitted, {report.withdrawn} withdrawn;"
        f" {report.moved} domains moved."
    )
