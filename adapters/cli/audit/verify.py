"""`huissier audit verify`: checks a log, checkpoints and proofs against the keys of those who signed, offline."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.audit.asking import Language, LanguageOption
from huissier.adapters.cli.audit.evidence import KeysOption, keys_in, read_file, submitted_in
from huissier.adapters.cli.shared import JsonOption, Status, errors_told, fail, read_option
from huissier.adapters.json_lines import as_json
from huissier.adapters.printable import printable

if TYPE_CHECKING:
    from huissier.adapters.audit.lines import Line
    from huissier.adapters.evidence.checkpoint import Head
    from huissier.adapters.evidence.examining import Signed
    from huissier.adapters.evidence.note import VerifierKey
    from huissier.adapters.evidence.proof import Proof
    from huissier.adapters.evidence.verifying import Verified
    from huissier.adapters.integrity.findings import Problem

    Found = Signed | Problem | Verified | Line


def verify(
    context: typer.Context,
    key: KeysOption,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint; several must continue each other.", metavar="FILE")
    ] = None,
    proof: Annotated[
        list[Path] | None, typer.Option(help="A proof made by `audit prove`; repeatable.", metavar="FILE")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="URL of a store, or of a copy, whose whole log is hashed.", metavar="URL")
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option(help="An archive made by `audit export`: its whole log and its checkpoints.", metavar="DIR"),
    ] = None,
    lang: LanguageOption = "en",
    json: JsonOption = False,
) -> None:
    """Check a log, checkpoints and proofs, each against the keys and all against each other; nothing is changed.

    The log is that of the store or archive that is named, if any; the vault's key is not needed. Exit status 1 if
    something is wrong, which is printed with the first bad position.
    """
    url = store or (None if archive else context.find_root().params.get("store"))
    if not (checkpoint or proof or url or archive):
        fail("name a --store, an --archive, a --checkpoint or a --proof to verify", Status.UNREADABLE)
    if url and archive:
        fail("name a --store or an --archive, not both", Status.UNREADABLE)
    is_wrong = False
    with errors_told():
        for found in _examined(checkpoint or [], proof or [], url or archive, keys_in(key), lang):
            is_wrong = _is_wrong(found) or is_wrong
            typer.echo(as_json(found) if json else "\n".join(_as_text(found, lang)))
    if is_wrong:
        raise typer.Exit(Status.NO)


def _examined(
    checkpoints: list[Path], proofs: list[Path], log: str | Path | None, keys: "Sequence[VerifierKey]", lang: Language
) -> "Iterator[Found]":
    """Yield what is found, one after the other; a proof that holds is followed by the fact it is about.

    `log`: the URL of a store, or the folder of an archive, whose own checkpoints are looked at too.
    """
    from huissier.adapters.archive.layout import Layout
    from huissier.adapters.evidence.examining import Examination
    from huissier.adapters.integrity.findings import Problem

    examination = Examination(keys)
    if isinstance(log, Path):
        checkpoints = [*checkpoints, *Layout(log).checkpoints()]
    for file in checkpoints:
        yield examination.checkpoint(str(file), submitted_in(file))
    for file in proofs:
        proof = _proof_in(file)
        found = examination.proof(str(file), proof)
        yield found
        if not isinstance(found, Problem):
            yield _fact(file, proof, lang)
    yield from examination.contradictions(has_store=log is not None)
    if log is not None:
        yield _verified(log, examination.heads)


def _verified(log: str | Path, heads: "list[Head]") -> "Verified":
    from huissier.adapters.cli.progress import progress_bar
    from huissier.adapters.evidence.store_leaves import verify_store

    with progress_bar("hashing") as progress:
        if isinstance(log, str):
            return verify_store(log, heads, progress)
        from huissier.adapters.archive.verifying import verify_archive

        return verify_archive(log, heads, progress)


def _is_wrong(found: "Found") -> bool:
    from huissier.adapters.evidence.verifying import Verified
    from huissier.adapters.integrity.findings import Problem

    return isinstance(found, Problem) or (isinstance(found, Verified) and bool(found.problems))


def _fact(file: Path, proof: "Proof", lang: Language) -> "Line | Problem":
    """Return the fact that is proved; or, as a problem, that no event was signed, or one under another type."""
    from huissier.adapters.audit.lines import line_of
    from huissier.adapters.errors import CorruptStoreError
    from huissier.adapters.evidence.leaf import data_of, is_under
    from huissier.adapters.integrity.findings import Problem
    from huissier.adapters.log import codec
    from huissier.adapters.views.entries import entry_of

    try:
        data = data_of(proof.leaf)
        entry, kind = entry_of(proof.position, data), codec.type_in(data, proof.position)
    except CorruptStoreError:
        return Problem(proof.position, f"{file}: what was signed is no event that this huissier can decode")
    if not is_under(kind, proof.leaf):
        return Problem(proof.position, f"{file}: the event was signed under another type than its own")
    return line_of(entry, lang)


def _proof_in(file: Path) -> "Proof":
    from huissier.adapters.evidence.proof import Proof

    return read_option(str(file), Proof.parse, read_file(file))


def _as_text(found: "Found", lang: Language) -> Iterator[str]:
    from huissier.adapters.audit.lines import as_text
    from huissier.adapters.evidence.examining import Signed
    from huissier.adapters.evidence.verifying import Verified
    from huissier.adapters.integrity.findings import Problem

    match found:
        case Signed():
            what = "" if found.position is None else f"position {found.position} of "
            yield f"{found.file}: {what}{found.origin} at {found.size} events, signed by {', '.join(_signers(found))}"
        case Verified():
            yield from log_as_text(found)
        case Problem():
            yield _problem(found)
        case _:
            yield as_text(found, lang)


def _signers(signed: "Signed") -> Iterator[str]:
    from huissier.domain.vocabulary.times import written

    for seen in signed.signed_by:
        yield seen.name if seen.at is None else f"{seen.name} ({written(seen.at)})"


def log_as_text(found: "Verified") -> Iterator[str]:
    """Say for people what was found in a log."""
    yield from map(_problem, found.problems)
    for note in found.notes:
        yield f"note: {note}"
    signed = (
        f"the first {found.signed} as they were signed" if found.signed else "none of them held against a checkpoint"
    )
    yield f"{found.events} events, {signed}: {'the log is not whole' if found.problems else 'nothing is wrong'}."


def _problem(problem: "Problem") -> str:
    return printable(str(problem))  # it may name what somebody else wrote
