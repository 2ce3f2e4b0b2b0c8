"""One fact as a line of the trail, and the lines as text, JSON or CSV."""

import csv
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from typing import Final

from msgspec import Struct

from huissier.adapters.audit.telling import Language, told
from huissier.adapters.printable import printable
from huissier.adapters.spreadsheet import harmless
from huissier.domain.answers import Reason, explained
from huissier.domain.decision import Rejected
from huissier.domain.events import AnyEvent, CommandRejected, MessageDecided
from huissier.domain.reasons import Code
from huissier.domain.vocabulary.times import written
from huissier.projections.projection import Entry
from huissier.projections.words import Outcome, kind_of, outcome_of

COLUMNS: Final = ("position", "at", "recorded_at", "kind", "who", "what", "outcome", "reasons", "requirements")
_OUTCOMES_FR: Final[dict[Outcome, str]] = {
    "accepted": "accepté",
    "refused": "refusé",
    "mixed": "partagé",
    "delivered": "remis",
    "undelivered": "non remis",
    "recorded": "enregistré",
    "rejected": "rejeté",
}


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact as an auditor reads it; `reasons` are those of all recipients, each code once, `fact` is what is kept."""

    position: int
    at: datetime
    recorded_at: datetime
    kind: str
    who: str
    what: str
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    fact: AnyEvent


def line_of(entry: Entry, language: Language) -> Line:
    """Return a fact as a line."""
    event = entry.event
    who, what = told(event, language)
    return Line(
        position=entry.position,
        at=event.at,
        recorded_at=entry.recorded_at,
        kind=kind_of(event),
        who=who,
        what=what,
        outcome=outcome_of(event),
        reasons=tuple({reason.code: reason for reason in _reasons(event)}.values()),
        fact=event,
    )


def _reasons(event: AnyEvent) -> Iterator[Reason]:
    """Yield the reasons with their texts; only a message has an SMTP reply."""
    if isinstance(event, MessageDecided):
        for verdict in event.verdicts:
            yield from map(explained, verdict.reasons)
    elif isinstance(event, CommandRejected):
        for reason in event.reasons:
            yield explained(Rejected(Code(reason.code), reason.facts))


def as_text(line: Line, language: Language) -> str:
    """Return the line for people; nothing in it can move a terminal's cursor."""
    recorded = "enregistré" if language == "fr" else "recorded"
    reasons = "; ".join(f"{reason.code} ({reason.requirement})" for reason in line.reasons)
    happened = f"{line.position}  {written(line.at)}  {recorded} {written(line.recorded_at)}"
    return printable(
        "  ".join(
            part for part in (happened, f"{line.who}: {line.what}", outcome_in(line.outcome, language), reasons) if part
        )
    )


def outcome_in(outcome: Outcome, language: Language) -> str:
    """Return an outcome in a language."""
    return _OUTCOMES_FR[outcome] if language == "fr" else outcome


def as_csv(line: Line) -> str:
    """Return the line for spreadsheets (RFC 4180, comma): no cell is taken for a formula."""
    cells = (
        *(str(line.position), written(line.at), written(line.recorded_at), line.kind, line.who, line.what),
        *(line.outcome, " ".join(reason.code for reason in line.reasons)),
        "; ".join(dict.fromkeys(reason.requirement for reason in line.reasons)),
    )
    return _csv_row(map(_harmless, cells))


def csv_header() -> str:
    """Return the first line of a CSV file."""
    return _csv_row(COLUMNS)


def _csv_row(cells: "Iterator[str] | tuple[str, ...]") -> str:
    row = StringIO()
    csv.writer(row, lineterminator="").writerow(cells)
    return row.getvalue()


def _harmless(cell: str) -> str:
    return harmless(printable(cell))
