"""`huissier apply`: commands from a file or a pipe, answers on standard output."""

import os
import stat
import sys
from collections.abc import Iterable
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from huissier.adapters.cli.shared import (
    JsonOption,
    PolicyOption,
    Status,
    StoreOption,
    fail,
    fail_behind,
    opened,
    stream_of,
)
from huissier.adapters.errors import StoreError
from huissier.adapters.json_lines import Line, answer_lines, batches, encode_line
from huissier.domain.answers import Invalid


def apply(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A file of JSON lines, or - for standard input.", metavar="FILE|-")],
    store: StoreOption = None,
    option: PolicyOption = None,
    json: JsonOption = False,
) -> None:
    """Handle commands, one JSON line each, and print the answers, one JSON line each, in order.

    A line that cannot be read is answered with its number and the reason; the lines around it still count, and
    the exit status is 2. An answer is printed once it is durable. Answers are JSON with or without --json.
    """
    if sys.stdout is None:
        fail("standard output is closed: no answer could be given", Status.UNREADABLE)
    with stream_of(file) as stream, opened(context, store, option) as engine:
        unreadable = 0
        done = 0
        try:
            for lines in _with_progress(stream, file):
                answers = answer_lines(engine, lines)
                done = lines[-1].number
                unreadable += sum(isinstance(answer, Invalid) for answer in answers)
                _print(b"".join(map(encode_line, answers)))
        except StoreError as problem:
            fail_behind(done, problem)
    if unreadable:
        raise typer.Exit(Status.UNREADABLE)


def _print(lines: bytes) -> None:
    """Print answers; on a terminal, as text above the progress bar, which takes over the text stream."""
    if sys.stdout.isatty():
        sys.stdout.write(lines.decode())
    else:
        sys.stdout.buffer.write(lines)
    sys.stdout.flush()


def _with_progress(stream: BinaryIO, file: str) -> Iterable[list[Line]]:
    """Show a bar on a terminal while a file is read; none where input or standard error is something else."""
    console = Console(stderr=True)
    if not console.is_terminal or not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        yield from batches(stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("applying", total=os.fstat(stream.fileno()).st_size)
        for lines in batches(stream):
            yield lines
            progress.update(task, completed=stream.tell())
