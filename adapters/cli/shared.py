"""What all commands share: options, exit statuses, errors told in one line."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, NoReturn

import msgspec
import typer

from huissier.adapters.errors import (
    ArchiveError,
    InvalidCommandError,
    StoreError,
    TemporarilyUnavailableError,
    WhiteListError,
)
from huissier.adapters.printable import printable
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import without_ins
from huissier.domain.vocabulary.times import parse_time

if TYPE_CHECKING:
    from huissier.adapters.engine import Engine


class Status(IntEnum):
    """Exit statuses."""

    DONE = 0
    NO = 1
    UNREADABLE = 2
    STORE = 3


STORE_VARIABLE = "HUISSIER_STORE"
DEFAULT_STORE = "sqlite:///huissier.db"
MOST = 10**18  # positions and rows; databases count a little further

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        help=f"URL of the store, before the command or behind it; else ${STORE_VARIABLE}, else {DEFAULT_STORE}.",
        metavar="URL",
    ),
]
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        envvar="HUISSIER_OPTIONS",
        metavar="NAME=VALUE",
        help="A point that no source settles, such as fin_header=ends-contact; see docs/rules.md. Repeatable.",
    ),
]
DecisionHeaderOption = Annotated[
    str, typer.Option("--decision-header", help="What the milter calls its decision header.", metavar="NAME")
]


def for_programs(wanted: bool) -> bool:
    """Have what programs read be in UTF-8, whatever the locale; what people read is in theirs."""
    if wanted and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return wanted


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.", callback=for_programs)]


def fail(message: str, status: Status) -> NoReturn:
    """Say what is wrong and end."""
    tell(message)
    raise typer.Exit(status)


def fail_behind(line: int, problem: StoreError) -> NoReturn:
    """Say what is wrong with the store and what became of the input behind a line, and end."""
    is_lost = isinstance(problem, TemporarilyUnavailableError)  # what is lost may be the answer alone
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
    """Tell an error in one line and end with its status."""
    try:
        yield
    except (StoreError, ArchiveError) as problem:
        fail(str(problem), Status.STORE)
    except WhiteListError as problem:
        fail(str(problem), Status.NO)
    except (InvalidCommandError, VocabularyError) as problem:
        fail(str(problem), Status.UNREADABLE)


@contextmanager
def opened(
    context: typer.Context, store: str | None, options: list[str] | None, *, create: bool = True
) -> "Iterator[Engine]":
    """Open the engine for a command, and tell errors."""
    from huissier.adapters.engine import Engine  # brings the database library, which --help does without

    policy = read_options(options or [])
    with errors_told(), Engine(url_of(context, store), options=policy, create=create) as engine:
        yield engine


def url_of(context: typer.Context, store: str | None) -> str:
    """Return the store's URL: as named behind the command, before it, in the environment, or the default."""
    return url_named(context, store) or DEFAULT_STORE


def url_named(context: typer.Context, store: str | None) -> str | None:
    """Return the store's URL where somebody named one."""
    before_command: str | None = context.find_root().params.get("store")
    return store or before_command or os.environ.get(STORE_VARIABLE)


def read_time(option: str, text: str) -> datetime:
    """Read an RFC 3339 time; one that is none ends the program with the option's name."""
    try:
        return parse_time(text)
    except VocabularyError as problem:
        fail(f"{option}: {problem}", Status.UNREADABLE)


def read_options(words: list[str]) -> Options:
    """Read `name=value` words; a wrong one ends the program with its name and what is known."""
    try:
        return Options.read(words)
    except VocabularyError as problem:
        known = ", ".join(field.name for field in msgspec.structs.fields(Options))
        fail(f"--option: {problem}; the options are {known}", Status.UNREADABLE)
