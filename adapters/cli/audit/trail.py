"""`huissier audit trail`: what the log says, line by line."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from huissier.adapters.cli.audit.asking import (
    Language,
    LanguageOption,
    SinceOption,
    UntilOption,
    names_in,
    read_period,
    read_private,
    read_submission,
    usager_named,
)
from huissier.adapters.cli.shared import (
    MOST,
    JsonOption,
    Status,
    StoreOption,
    fail,
    for_programs,
    print_line,
    read_option,
)

if TYPE_CHECKING:
    from huissier.adapters.audit.lines import Line
    from huissier.projections.words import Topic, Word

Texts = list[str] | None


def trail(
    context: typer.Context,
    since: SinceOption = None,
    until: UntilOption = None,
    recorded_since: Annotated[str | None, typer.Option(help="Facts recorded from then on.", metavar="TIME")] = None,
    recorded_until: Annotated[str | None, typer.Option(help="Facts recorded up to then.", metavar="TIME")] = None,
    domain: Annotated[
        Texts, typer.Option(help="Facts about a domain or a mailbox on it; twice: about both.", metavar="DOMAIN")
    ] = None,
    mailbox: Annotated[
        Texts,
        typer.Option(
            help="Facts about a mailbox; twice: about both, such as what one wrote to the other.", metavar="ADDRESS"
        ),
    ] = None,
    usager: Annotated[
        str | None,
        typer.Option(help="Facts about the usager whose INS is in a file, or on standard input.", metavar="FILE|-"),
    ] = None,
    submission: Annotated[
        Texts, typer.Option(help="Facts about a message; repeatable; - reads its id from standard input.", metavar="ID")
    ] = None,
    kind: Annotated[
        Texts, typer.Option(help="Facts of a kind, such as message-decided; repeatable.", metavar="KIND")
    ] = None,
    outcome: Annotated[
        Texts, typer.Option(help="Facts with this outcome, such as refused; repeatable.", metavar="OUTCOME")
    ] = None,
    reason: Annotated[Texts, typer.Option(help="Facts that give a reason; repeatable.", metavar="CODE")] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Messages refused on paper but let pass: shadow mode.")
    ] = False,
    after: Annotated[int, typer.Option(help="Only facts after this.", metavar="POSITION", min=0, max=MOST)] = 0,
    limit: Annotated[int | None, typer.Option(help="At most this many facts.", metavar="N", min=1, max=MOST)] = None,
    lang: LanguageOption = "en",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.", callback=for_programs)] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Print one line per fact, in the order of the log.

    A fact must match every different option that is given. To read on, give the last position shown as --after.
    """
    from itertools import islice

    from huissier.adapters.audit.asking import mailbox as mailbox_meant
    from huissier.adapters.audit.lines import csv_header, line_of
    from huissier.adapters.audit.search import find
    from huissier.adapters.cli.views import caught_up
    from huissier.domain.reasons import Code
    from huissier.domain.vocabulary.address import Domain
    from huissier.projections.trail import Question, Trail
    from huissier.projections.words import KINDS, OUTCOMES, SHADOW

    if csv and json:
        fail("--csv or --json, not both", Status.UNREADABLE)
    written = _writer(lang, json=json, csv=csv)
    happened, recorded = read_period(since, until), read_period(recorded_since, recorded_until, "recorded-")
    words = [
        *(
            _any_of("domain", [read_option("--domain", lambda text: Domain.parse(text).name, one)])
            for one in domain or ()
        ),
        *(_any_of("mailbox", [read_option("--mailbox", mailbox_meant, one)]) for one in mailbox or ()),
        *_known("kind", kind, KINDS),
        *_known("outcome", outcome, OUTCOMES),
        *_known("reason", reason, tuple(Code)),
        *([frozenset((SHADOW,))] if shadow else []),
    ]
    submissions = [read_submission("--submission", id_) for id_ in submission or ()]
    ins = None if usager is None else read_private(usager)
    with caught_up(context, store, Trail) as (engine, connection, view):
        if submissions:
            names = names_in(engine)
            words.append(_any_of("submission", (kept for id_ in submissions for kept in names.submission(id_))))
        if ins is not None:
            words.append(_any_of("usager", [usager_named(names_in(engine), "--usager", ins)]))
        question = Question(words=tuple(words), happened=happened, recorded=recorded)
        if csv:
            print_line(csv_header())
        for entry in islice(find(engine.log, connection, view, question, after), limit):
            print_line(written(line_of(entry, lang)))


def _writer(language: Language, *, json: bool, csv: bool) -> "Callable[[Line], str]":
    from huissier.adapters.audit.lines import as_csv, as_text
    from huissier.adapters.json_lines import as_json

    if json:
        return as_json
    return as_csv if csv else lambda line: as_text(line, language)


def _known(topic: "Topic", given: Texts, known: Iterable[str]) -> "list[frozenset[Word]]":
    """Return the words of texts that must be known ones; any other text ends the program."""
    for text in given or ():
        if text not in known:
            fail(f"--{topic}: there is no {text}; there are {', '.join(known)}", Status.UNREADABLE)
    return [_any_of(topic, given)] if given else []


def _any_of(topic: "Topic", texts: Iterable[str]) -> "frozenset[Word]":
    from huissier.projections.words import Word

    return frozenset(Word(topic, text) for text in texts)
