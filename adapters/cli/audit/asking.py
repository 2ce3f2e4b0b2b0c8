"""What audit commands share: reading options, with errors that name them, and keeping an INS off the command line."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from huissier.adapters.cli.shared import Status, fail, read_option
from huissier.domain.vocabulary.ins import mentions_ins

if TYPE_CHECKING:
    from huissier.adapters.audit.asking import Names
    from huissier.adapters.deciding.engine import Engine
    from huissier.adapters.log.read_only import ReadOnlyLog
    from huissier.projections.trail import Period

Language = Literal["fr", "en"]
LanguageOption = Annotated[Language, typer.Option("--lang", help="French or English.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="Facts from then on: a date (UTC) or an RFC 3339 time.", metavar="TIME")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Facts up to then; a date counts to its end.", metavar="TIME")
]


def read_period(since: str | None, until: str | None, prefix: str = "") -> "Period":
    """Read `--since` and `--until`, or the options with a prefix before these names."""
    from huissier.adapters.audit.asking import beginning, end
    from huissier.projections.trail import Period

    first = None if since is None else read_option(f"--{prefix}since", beginning, since)
    last = None if until is None else read_option(f"--{prefix}until", end, until)
    if first is not None and last is not None and last < first:
        fail(f"--{prefix}until: the last moment stands before --{prefix}since", Status.UNREADABLE)
    return Period(first, last)


def read_private(file: str) -> str:
    """Read what should not stand on a command line, from a file or standard input."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        return text.removeprefix("\ufeff").strip()  # the mark that some editors put first
    except UnicodeDecodeError:
        fail("what was to be read is not text in UTF-8", Status.UNREADABLE)
    except OSError as problem:
        fail(f"{file}: {problem.strerror}", Status.UNREADABLE)


def read_submission(option: str, text: str) -> str:
    """Return a submission's id, from standard input for `-`; an argument with an INS in it ends the program."""
    if text == "-":
        return read_private("-")
    if mentions_ins(text):
        fail(f"{option}: an INS has no place on a command line; - reads the id from standard input", Status.UNREADABLE)
    return text


def usager_named(names: "Names", option: str, ins: str) -> str:
    """Return the opaque id of a usager; one that the vault does not know ends the program."""
    from huissier.adapters.audit.asking import UnknownUsagerError

    try:
        return read_option(option, names.usager, ins)
    except UnknownUsagerError as problem:
        fail(f"{option}: {problem}", Status.NO)


def names_beside(log: "ReadOnlyLog") -> "Names":
    """Return what names mean in a store that is only read; this needs the vault's key."""
    from huissier.adapters.audit.asking import Names
    from huissier.adapters.vault import Vault, load_key

    vault = Vault(load_key(log.place, os.environ))
    with log.reading() as look:
        vault.adopt(look.session, is_new=False)
    return Names(log, vault)


def names_in(engine: "Engine") -> "Names":
    """Return what names mean in an open store."""
    from huissier.adapters.audit.asking import Names
    from huissier.adapters.vault import Vault, load_key

    return Names(engine.log, Vault(load_key(engine.place, os.environ)))
