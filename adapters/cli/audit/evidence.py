"""`huissier audit key`, `checkpoint`, `prove` and `witness`: what is signed about a log, and by whom."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.audit.asking import names_in, read_submission
from huissier.adapters.cli.shared import Status, StoreOption, errors_told, fail, opened, read_option, url_of

if TYPE_CHECKING:
    from huissier.adapters.deciding.engine import Engine
    from huissier.adapters.evidence.checkpoint import Checkpoint, Submitted
    from huissier.adapters.evidence.keys import Signer
    from huissier.adapters.evidence.note import VerifierKey
    from huissier.adapters.evidence.tree import Tree

KEY_VARIABLE = "HUISSIER_SIGNING_KEY"

SigningKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--signing-key",
        help="File of the key that signs, made on first use; by default beside an embedded store (….signing-key).",
        envvar=KEY_VARIABLE,
        metavar="FILE",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        help="Name that a new key signs under, such as mail.example.org/log; random by default.", metavar="NAME"
    ),
]
KeysOption = Annotated[
    Path,
    typer.Option("--key", help="File of verifier keys, one a line; each of them must have signed.", metavar="FILE"),
]


def key(
    context: typer.Context,
    witness: Annotated[bool, typer.Option("--witness", help="The key of a witness, not of a log.")] = False,
    name: NameOption = None,
    signing_key: SigningKeyOption = None,
    store: StoreOption = None,
) -> None:
    """Print the verifier key of the log, or of a witness: what `audit verify --key` asks for.

    The signing key is made if there is none, in a file that only its owner reads.
    """
    from huissier.adapters.evidence.note import LOG, WITNESS

    if witness and store is not None:
        fail("--store goes without --witness: a witness has no store", Status.UNREADABLE)
    with errors_told():
        if witness:
            signer = _signer(_named(signing_key), WITNESS, name)
        else:
            signer = _signer(signing_key or _beside(context, store), LOG, name)
        typer.echo(signer.verifier.text)


def checkpoint(
    context: typer.Context,
    since: Annotated[
        int | None,
        typer.Option(help="First print the proof that it continues the log of N events.", metavar="N", min=0),
    ] = None,
    name: NameOption = None,
    signing_key: SigningKeyOption = None,
    store: StoreOption = None,
) -> None:
    """Sign a checkpoint, the log's length and the root over all its events as they were hashed, and print it.

    Exit status 1 if it does not continue what this key signed before, or if the end of the log is not what was hashed:
    the log shrank, or was changed. `audit verify` compares the whole log.
    """
    from huissier.adapters.evidence import making

    with errors_told(), tree_of(context, store) as (_, tree):
        signed = signed_by(tree, context, store, signing_key, name)
        _write(signed.raw if since is None else making.since(tree, since, signed))


def prove(
    context: typer.Context,
    submission: Annotated[str, typer.Argument(help="The message's id; - reads it from standard input.", metavar="ID")],
    out: Annotated[Path, typer.Option(help="Where the proof is written.", metavar="FILE")],
    under: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", help="Prove it under this checkpoint and its witnesses, not a new one.", metavar="FILE"
        ),
    ] = None,
    name: NameOption = None,
    signing_key: SigningKeyOption = None,
    store: StoreOption = None,
) -> None:
    """Write a file that proves, with the log's verifier key alone, that a message was decided as it was.

    Exit status 1 if no such message was submitted, or not before the checkpoint.
    """
    from huissier.adapters.evidence import making
    from huissier.adapters.private_file import private_file

    id_ = read_submission("ID", submission)
    given = None if under is None else submitted_in(under).checkpoint
    with errors_told(), tree_of(context, store) as (engine, tree):
        position = making.position_of(engine.log, names_in(engine).submission(id_))
        if position is None:
            fail("no message was submitted under this id", Status.NO)
        signed = signed_by(tree, context, store, signing_key, name) if given is None else given
        proof = making.proof_of(engine.log, tree, position, signed)
        with private_file(out) as file:
            file.write(proof.text)
    typer.echo(f"{out}: position {position} of {signed.head.origin} at {signed.head.size} events")


def witness(
    checkpoint: Annotated[
        Path,
        typer.Option(help="The checkpoint, with a proof from the last one unless it is the first.", metavar="FILE"),
    ],
    key: KeysOption,
    name: NameOption = None,
    signing_key: SigningKeyOption = None,
) -> None:
    """Countersign a log's checkpoint as a second party, and print it with the signature added.

    The last checkpoint countersigned for each log is remembered beside the signing key (….seen). Exit status 1 if the
    new one does not prove that it continues that one: the log shrank, or its past was changed.
    """
    from huissier.adapters.clock import utc_now
    from huissier.adapters.evidence import making
    from huissier.adapters.evidence.note import WITNESS

    with errors_told():
        submitted = submitted_in(checkpoint)
        submitted.checkpoint.signed_by(keys_in(key))
        _write(making.witnessed(submitted, _signer(_named(signing_key), WITNESS, name), utc_now()))


def submitted_in(file: Path) -> "Submitted":
    """Read a file with a checkpoint; if it is wrong, end the program with an error that names it."""
    from huissier.adapters.evidence.checkpoint import Submitted

    return read_option(str(file), Submitted.parse, read_file(file))


def keys_in(file: Path) -> "tuple[VerifierKey, ...]":
    """Read a file of verifier keys; if it is wrong, end the program with an error that names it."""
    from huissier.adapters.evidence.examining import read_keys

    return read_option(str(file), read_keys, read_file(file).decode("utf-8", "replace"))


def read_file(file: Path) -> bytes:
    """Read a file; if it cannot be read, end the program with an error that names it."""
    try:
        return file.read_bytes()
    except OSError as problem:
        fail(f"{file}: {problem.strerror}", Status.UNREADABLE)


@contextmanager
def tree_of(context: typer.Context, store: str | None) -> "Iterator[tuple[Engine, Tree]]":
    """Open a store and its tree, after hashing what the log has gained."""
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.evidence.nodes import Nodes
    from huissier.adapters.views.database import ViewsDatabase

    with opened(context, store, None, create=False) as engine, ViewsDatabase(engine.place) as database:
        with progress_bar("hashing") as progress:
            tree = Nodes(engine.log, database).tree(progress)
        yield engine, tree


def signed_by(
    tree: "Tree", context: typer.Context, store: str | None, signing_key: Path | None, name: str | None
) -> "Checkpoint":
    """Sign a log as its tree has it, with the key that is named or lies beside its store."""
    return signing_with(context, store, signing_key, name)(tree)


def signing_with(
    context: typer.Context, store: str | None, signing_key: Path | None, name: str | None
) -> "Callable[[Tree], Checkpoint]":
    """Return a function that signs a log as its tree has it, with the key that is named or lies beside its store."""
    from huissier.adapters.clock import utc_now
    from huissier.adapters.evidence.making import checkpoint_of
    from huissier.adapters.evidence.note import LOG

    signer = _signer(signing_key or _beside(context, store), LOG, name)
    return lambda tree: checkpoint_of(tree, signer, utc_now())


def _signer(path: Path, kind: int, name: str | None) -> "Signer":
    from huissier.adapters.evidence.keys import Signer

    return Signer(path, kind=kind, name=name)


def _beside(context: typer.Context, store: str | None) -> Path:
    """Return where the signing key of an embedded store is; a store on a server has no such place: end the program."""
    from huissier.adapters.log.place import Place

    path = Place(url_of(context, store), create=False).path
    return _named(None if path is None else path.with_name(f"{path.name}.signing-key"))


def _named(signing_key: Path | None) -> Path:
    if signing_key is None:
        fail(f"name the file of the signing key with --signing-key or {KEY_VARIABLE}", Status.UNREADABLE)
    return signing_key


def _write(raw: bytes) -> None:
    sys.stdout.write(raw.decode())
