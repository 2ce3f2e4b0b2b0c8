"""The program: its commands, and the options that may come before them."""

import os
import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn, TextIO, cast

import typer

from huissier.adapters.cli.apply import apply
from huissier.adapters.cli.audit import audit
from huissier.adapters.cli.bench import bench
from huissier.adapters.cli.check import check
from huissier.adapters.cli.conformance import conformance
from huissier.adapters.cli.demo import demo
from huissier.adapters.cli.directory import directory
from huissier.adapters.cli.ingest import ingest
from huissier.adapters.cli.obligations import obligations
from huissier.adapters.cli.projections import projections
from huissier.adapters.cli.serve import serve
from huissier.adapters.cli.shared import Status
from huissier.adapters.cli.stats import stats
from huissier.adapters.cli.store import store as store_commands
from huissier.adapters.cli.whitelist import whitelist
from huissier.adapters.garbage import look_seldom
from huissier.domain.vocabulary.ins import without_ins

# No pretty exceptions: they print local variables, and those may hold an INS.
app = typer.Typer(
    help="Who may write to whom in the MSSanté trust space, decided, explained and recorded.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done, 1 the answer is no, 2 input cannot be read, 3 the store or an output cannot be used.",
)
app.command()(apply)
app.command()(bench)
app.command()(check)
app.command()(demo)
app.add_typer(store_commands, name="store")
app.add_typer(whitelist, name="whitelist")
app.add_typer(directory, name="directory")
app.add_typer(audit, name="audit")
app.add_typer(stats, name="stats")
app.add_typer(ingest, name="ingest")
app.command()(obligations)
app.add_typer(projections, name="projections")
app.add_typer(serve, name="serve")
app.add_typer(conformance, name="conformance")


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
    """Take the options that may come before the command; the commands look them up themselves."""


class _WithoutIns:
    """Standard error without any INS: messages may repeat the program's arguments."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(without_ins(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main() -> None:
    """Run the program; an error of the system ends it with one line, and a closed pipe without a word."""
    look_seldom()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.stderr is not None:
        sys.stderr = cast("TextIO", _WithoutIns(sys.stderr))
    try:
        app()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(Status.STORE)
    except UnicodeEncodeError:
        _end("an argument is not text in UTF-8", Status.UNREADABLE)
    except OSError as problem:
        _end(f"{problem.strerror}; what was answered before is recorded", Status.STORE)


def _end(message: str, status: Status) -> NoReturn:
    print(f"huissier: {message}", file=sys.stderr)  # noqa: T201 the program's own last word
    sys.stdout = None  # it may be what failed, so nothing more is flushed to it
    sys.exit(status)
