"""What all commands share: options, exit statuses, errors reported in one line."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, NoReturn, TypeVar

import msgspec
import typer

from huissier.adapters.errors import (
    HuissierError,
    RefusedError,
    StoreError,
    TemporarilyUnavailableError,
    UnreadableError,
)
from huissier.adapters.printable import printable
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import without_ins
from huissier.domain.vocabulary.times import parse_time

if TYPE_CHECKING:
    from huissier.adapters.deciding.engine import Engine


R = TypeVar("R")
T = TypeVar("T")


class Status(IntEnum):
    """Exit statuses: `UNREADABLE` is about input, `STORE` about a store or an output that cannot be used."""

    DONE = 0
    NO = 1
    UNREADABLE = 2
    STORE = 3


STDIN = "-"
STORE_VARIABLE = "HUISSIER_STORE"
OPTIONS_VARIABLE = "HUISSIER_OPTIONS"
DEFAULT_STORE = "sqlite:///huissier.db"
MOST = 10**18  # the largest position or number of rows taken; databases count a little further

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        help=f"URL of the store, before or after the command; default: ${STORE_VARIABLE}, else {DEFAULT_STORE}.",
        metavar="URL",
    ),
]
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        envvar=OPTIONS_VARIABLE,
        metavar="NAME=VALUE",
        help="A point that no source settles, such as fin_header=ends-contact; see docs/rules.md. Repeatable.",
    ),
]
DecisionHeaderOption = Annotated[
    str, typer.Option("--decision-header", help="Name of the milter's decision header.", metavar="NAME")
]


def for_programs(wanted: bool) -> bool:
    """Print in UTF-8, whatever the locale, where programs are to read it; people read it in their locale's encoding."""
    if wanted and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return wanted


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.", callback=for_programs)]


def fail(message: str, status: Status) -> NoReturn:
    """Say what is wrong and end."""
    tell(message)
    raise typer.Exit(status)


def fail_behind(line: int, problem: StoreError) -> NoReturn:
    """Say what is wrong with the store and what became of the input after a line, and end."""
    is_lost = isinstance(problem, TemporarilyUnavailableError)  # perhaps only the answer was lost
    rest = (
        f"what stands after line {line} may be recorded or not"
        if is_lost
        else f"nothing after line {line} was recorded"
    )
    fail(f"{problem}; {rest}", Status.STORE)


def tell(message: str) -> None:
    """Say what is wrong and go on."""
    typer.echo(f"huissier: {printable(without_ins(message))}", err=True)


@contextmanager
def errors_told() -> Iterator[None]:
    """Report an error in one line and end with its status."""
    try:
        yield
    except (HuissierError, VocabularyError) as problem:
        fail(str(problem), status_of(problem))


def status_of(problem: HuissierError | VocabularyError) -> Status:
    """Return the exit status of a command that fails with this error."""
    if isinstance(problem, UnreadableError | VocabularyError):
        return Status.UNREADABLE
    return Status.NO if isinstance(problem, RefusedError) else Status.STORE


@contextmanager
def opened(
    context: typer.Context, store: str | None, options: list[str] | None, *, create: bool = True
) -> "Iterator[Engine]":
    """Open the engine for a command, and report errors."""
    from huissier.adapters.deciding.engine import Engine  # imports the database library, which --help does not need

    policy = read_options(options or [])
    with errors_told(), Engine(url_of(context, store), options=policy, create=create) as engine:
        yield engine


def url_of(context: typer.Context, store: str | None) -> str:
    """Return the store's URL: as named after the command, before it, in the environment, or the default."""
    return url_named(context, store) or DEFAULT_STORE


def url_named(context: typer.Context, store: str | None) -> str | None:
    """Return the store's URL, None where nobody named one."""
    before_command: str | None = context.find_root().params.get("store")
    return store or before_command or os.environ.get(STORE_VARIABLE)


def read_option(option: str, read: Callable[[R], T], said: R) -> T:
    """Read what an option, argument or file says; where that fails, end the program with an error that names it."""
    try:
        return read(said)
    except (UnreadableError, VocabularyError) as problem:
        fail(f"{option}: {problem}", Status.UNREADABLE)


def read_moment(option: str, text: str | None) -> datetime:
    """Read an RFC 3339 time, now without one; where that fails, end the program with an error that names the option."""
    from huissier.adapters.clock import utc_now

    return utc_now() if text is None else read_option(option, parse_time, text)


def check_folder(path: Path) -> None:
    """End the program unless `--out` is a folder."""
    try:
        is_folder = path.is_dir()
    except OSError as problem:
        fail(f"--out: {path}: {problem.strerror}", Status.UNREADABLE)
    if not is_folder:
        fail(f"--out: {path} is not a folder", Status.UNREADABLE)


@contextmanager
def stream_of(file: str) -> Iterator[BinaryIO]:
    """Open a command's input, standard input for `-`; where that fails, end the program with an error that names it."""
    if file == STDIN:
        if sys.stdin is None:
            fail("standard input is closed", Status.UNREADABLE)
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 closed below; errors of reading are not errors of opening
    except OSError as problem:
        fail(f"{file}: {problem.strerror}", Status.UNREADABLE)
    with stream:
        yield stream


@contextmanager
def until_ended(stop: Callable[[], object]) -> Iterator[list[int]]:
    """Have Ctrl-C and SIGTERM call `stop`, so that what was begun is finished; yield the list of signals that came."""
    came: list[int] = []

    def end(number: int, _: object) -> None:
        came.append(number)
        stop()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_line(line: str) -> None:
    """Print a line unchanged."""
    sys.stdout.write(f"{line}\n")


def read_options(words: list[str]) -> Options:
    """Read `name=value` words; a wrong one ends the program, an unknown name with the options that there are."""
    try:
        return Options.read(words)
    except VocabularyError as problem:
        where = OPTIONS_VARIABLE if words == os.environ.get(OPTIONS_VARIABLE, "").split() else "--option"
        known = [field.name for field in msgspec.structs.fields(Options)]
        is_unknown = any(word.partition("=")[0] not in known for word in words)
        rest = f"; the options are {', '.join(known)}" if is_unknown else ""
        fail(f"{where}: {problem}{rest}", Status.UNREADABLE)
