"""The program: its commands and what stands before them."""

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from huissier.adapters.cli.apply import apply
from huissier.adapters.cli.check import check
from huissier.adapters.cli.demo import demo
from huissier.adapters.cli.shared import Status
from huissier.adapters.cli.whitelist import whitelist

# No pretty exceptions: they print local variables, and those may hold an INS.
app = typer.Typer(
    help="Who may write to whom in the MSSanté trust space, decided, explained and recorded.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done, 1 the answer is no, 2 input that cannot be read, 3 the store cannot be used.",
)
app.command()(apply)
app.command()(check)
app.command()(demo)
app.add_typer(whitelist, name="whitelist")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"huissier {version('huissier')}")
        raise typer.Exit


@app.callback()
def before_command(
    store: Annotated[
        str | None, typer.Option("--store", help="URL of the store, for any command.", metavar="URL")
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take what may stand before the command; the commands look for it themselves."""


def main() -> None:
    """Run the program; an interrupted or closed pipe ends it quietly."""
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Status.NO)
