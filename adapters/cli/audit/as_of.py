"""`huissier audit as-of`: might A write to B at a time, why, and what changed it."""

import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.audit.asking import LanguageOption, names_beside, read_private, usager_named
from huissier.adapters.cli.check import verdict_text
from huissier.adapters.cli.shared import (
    JsonOption,
    PolicyOption,
    Status,
    StoreOption,
    errors_told,
    fail,
    read_option,
    read_options,
    url_of,
)
from huissier.domain.vocabulary.times import FIRST, parse_time

if TYPE_CHECKING:
    from huissier.adapters.audit.as_of import Known, Stand
    from huissier.adapters.audit.telling import Language
    from huissier.adapters.log.read_only import ReadOnlyLog
    from huissier.domain.vocabulary.address import MailboxAddress


def as_of(
    context: typer.Context,
    time: Annotated[str, typer.Argument(help="The moment, RFC 3339; a date means its end.", metavar="TIME")],
    sender: Annotated[
        str | None, typer.Option("--from", help="Who wants to write; not an INS.", metavar="ADDRESS")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="To whom; not an INS.", metavar="ADDRESS")] = None,
    from_usager: Annotated[
        str | None, typer.Option(help="The usager who wants to write; the INS is read from a file.", metavar="FILE|-")
    ] = None,
    to_usager: Annotated[
        str | None, typer.Option(help="The usager to whom; the INS is read from a file.", metavar="FILE|-")
    ] = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="Every change of the answer up to that moment.")] = False,
    since: Annotated[str | None, typer.Option(help="With --timeline: changes from then on.", metavar="TIME")] = None,
    until: Annotated[
        str | None, typer.Option(help="With --timeline: changes up to then, instead of up to TIME.", metavar="TIME")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="Count only what was recorded by then, RFC 3339.", metavar="TIME")
    ] = None,
    position: Annotated[
        int | None, typer.Option(help="Count only the facts up to this position.", metavar="POSITION", min=0)
    ] = None,
    lang: LanguageOption = "en",
    store: StoreOption = None,
    option: PolicyOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether A might write to B at a time, with all reasons and facts, and which later fact changed that.

    Late facts count, as for `check --at`, unless --known-at or --position limit what was known. Exit status 0 if A
    might write, else 1.
    """
    from huissier.adapters.audit.as_of import stands
    from huissier.adapters.audit.asking import beginning, end
    from huissier.adapters.log.read_only import ReadOnlyLog
    from huissier.domain.as_of import Question
    from huissier.domain.rule_set import RuleBook

    moment = read_option("TIME", end, time)
    first = read_option("--since", beginning, since) if since else FIRST
    last = read_option("--until", end, until) if until else moment
    if (since or until) and not timeline:
        fail("--since and --until go with --timeline", Status.UNREADABLE)
    if timeline and last < first:
        fail(f"{'--until' if until else 'TIME'}: the last moment stands before --since", Status.UNREADABLE)
    known = _known(None if known_at is None else read_option("--known-at", parse_time, known_at), position)
    book = RuleBook(read_options(option or []))
    with errors_told(), ReadOnlyLog(url_of(context, store)) as log:
        question = Question(_meant(log, "--from", sender, from_usager), _meant(log, "--to", to, to_usager))
        with log.reading() as look:
            found = stands(look, question, book, first if timeline else moment, lang, known)
            shown = list(takewhile(lambda stand: stand.at <= last, found)) if timeline else [next(found)]
            later = None if timeline else next(found, None)
    for line in _as_json(shown, later) if json else _as_text(shown, later, lang, timeline=timeline):
        sys.stdout.write(f"{line}\n")
    if shown[-1].verdict.outcome != "accepted":
        raise typer.Exit(Status.NO)


def _meant(log: "ReadOnlyLog", name: str, address: str | None, usager: str | None) -> "MailboxAddress":
    from huissier.adapters.audit.asking import mailbox
    from huissier.domain.rule_set import USAGERS_DOMAIN
    from huissier.domain.vocabulary.address import MailboxAddress

    if (address is None) == (usager is None):
        fail(f"{name} ADDRESS or {name}-usager FILE: one of them", Status.UNREADABLE)
    if address is not None:
        return MailboxAddress.of_fact(read_option(name, lambda text: mailbox(text, f"{name}-usager"), address))
    known = usager_named(names_beside(log), f"{name}-usager", read_private(usager or ""))
    return MailboxAddress.of_fact(f"@{USAGERS_DOMAIN}").under_pseudonym(known)


def _known(recorded: datetime | None, position: int | None) -> "Known":
    return lambda entry: (
        (recorded is None or entry.recorded_at <= recorded) and (position is None or entry.position <= position)
    )


def _as_json(shown: "list[Stand]", later: "Stand | None") -> Iterator[str]:
    from huissier.adapters.json_lines import as_json

    yield from map(as_json, [*shown, later] if later is not None else shown)


def _as_text(shown: "list[Stand]", later: "Stand | None", language: "Language", *, timeline: bool) -> Iterator[str]:
    for stand in shown:
        yield from _brief(stand, language) if timeline else _stand(stand, language)
    if timeline:
        return
    if later is None:
        yield "No fact in the log changed it afterwards."
    else:
        yield "Changed afterwards:"
        yield from _stand(later, language)


def _brief(stand: "Stand", language: "Language") -> Iterator[str]:
    reasons = " ".join(reason.code for reason in stand.verdict.reasons)
    yield f"{_since(stand)}: {stand.verdict.outcome}  {reasons}"
    yield from _cause(stand, language)


def _since(stand: "Stand") -> str:
    from huissier.domain.vocabulary.times import written

    return "Before all facts" if stand.at == FIRST else f"As of {written(stand.at)}"


def _cause(stand: "Stand", language: "Language") -> Iterator[str]:
    from huissier.adapters.audit.lines import as_text

    if stand.because_of is not None:
        yield f"  changed by {as_text(stand.because_of, language)}"
    if stand.because is not None:
        yield f"  changed because {stand.because}"


def _stand(stand: "Stand", language: "Language") -> Iterator[str]:
    from huissier.adapters.audit.lines import as_text

    yield f"{_since(stand)}, under the rules {stand.rules}"
    yield from _cause(stand, language)
    yield from (f"  {line}" for line in verdict_text(stand.verdict).splitlines())
    for fact in stand.facts:
        yield f"    fact {as_text(fact, language)}"
