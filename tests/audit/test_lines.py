"""A fact is one line, as text, JSON or CSV, that nothing in it can break."""

import csv
from typing import get_args

import msgspec
import pytest

from huissier.adapters.audit.lines import COLUMNS, as_csv, as_text, csv_header, line_of, outcome_in
from huissier.adapters.json_lines import as_json
from huissier.domain import events as e
from huissier.domain.reasons import Code
from huissier.projections.projection import Entry
from huissier.projections.words import Outcome
from tests.log.events import AT, EVENTS, RECORDED_AT


def entry(event: e.AnyEvent) -> Entry:
    return Entry(7, RECORDED_AT, event)


def suspended(motive: str, address: str = "dr.a@ch.mssante.fr") -> Entry:
    return entry(e.MailboxSuspended(at=AT, address=address, motive=motive))


def cells(text: str) -> list[str]:
    (row,) = csv.reader([text], strict=True)
    return row


def test_a_line_for_people_names_position_times_who_what_outcome_and_why() -> None:
    event = e.CommandRejected(
        at=AT, command="suspend-mailbox", subject="dr.a@ch.mssante.fr", reasons=(e.ReasonGiven(Code.NOT_FOUND, (3,)),)
    )
    assert as_text(line_of(entry(event), "en"), "en") == (
        "7  2026-10-31T09:30:15.123456Z  recorded 2026-11-01T00:00:00Z"
        "  dr.a@ch.mssante.fr: command suspend-mailbox rejected  rejected"
        "  NOT_FOUND (A fact needs what it is about)"
    )
    assert as_text(line_of(entry(event), "fr"), "fr") == (
        "7  2026-10-31T09:30:15.123456Z  enregistré 2026-11-01T00:00:00Z"
        "  dr.a@ch.mssante.fr: commande suspend-mailbox rejetée  rejeté"
        "  NOT_FOUND (A fact needs what it is about)"
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_json_holds_the_fact_as_the_log_keeps_it(event: e.AnyEvent) -> None:
    form = msgspec.json.decode(as_json(line_of(entry(event), "en")))
    assert form["position"] == 7
    assert form["recorded_at"] == "2026-11-01T00:00:00Z"
    assert msgspec.convert(form["fact"], e.AnyEvent) == event


def test_each_reason_stands_once_with_its_texts() -> None:
    verdicts = tuple(
        e.VerdictGiven(recipient=to, accepted=False, reasons=(e.ReasonGiven(Code.RECIPIENT_UNKNOWN),))
        for to in ("a", "b")
    )
    line = line_of(entry(e.MessageDecided(at=AT, id="m", sender="c", verdicts=verdicts, rules="1.4")), "en")
    (reason,) = line.reasons
    assert reason.fr == "La BAL du destinataire n'existe pas."
    assert reason.smtp is not None


def test_a_rejected_command_has_no_smtp_reply() -> None:
    rejected = e.CommandRejected(
        at=AT, command="suspend-mailbox", subject="", reasons=(e.ReasonGiven(Code.ADDRESS_INVALID),)
    )
    (reason,) = line_of(entry(rejected), "en").reasons
    assert reason.smtp is None


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_csv_has_a_cell_for_each_column(event: e.AnyEvent) -> None:
    assert cells(csv_header()) == list(COLUMNS)
    assert len(cells(as_csv(line_of(entry(event), "fr")))) == len(COLUMNS)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "＝", "\r+"])
def test_no_cell_is_taken_for_a_formula(start: str) -> None:
    row = as_csv(line_of(suspended("x", address=f"{start}cmd|' /c calc'!a0"), "en"))
    who = cells(row)[COLUMNS.index("who")]
    assert who.startswith(("'", "\\"))


def test_no_part_of_a_cell_is_taken_for_one_where_a_semicolon_separates() -> None:
    (row,) = csv.reader([as_csv(line_of(suspended('a;=1+1; @SUM(1+1);"=2+2;b=c'), "en"))], delimiter=";")
    assert row[1:3] == ["'=1+1", "' @SUM(1+1)"]
    assert row[3].startswith("'")
    assert row[4].startswith("b=c")


def test_a_line_stays_one_line_and_moves_no_cursor() -> None:
    line = line_of(suspended("first\nsecond\r\x1b[2J\u202efdp"), "en")
    for shown in (as_text(line, "en"), as_csv(line)):
        assert shown.isprintable()
        assert "first\\nsecond\\r\\x1b[2J\\u202efdp" in shown
    assert "\n" not in as_json(line)


def test_accents_stay_as_they_are() -> None:
    assert as_text(line_of(suspended("congé à Besançon"), "fr"), "fr").endswith(
        "BAL suspendue : congé à Besançon  enregistré"
    )


def test_every_outcome_has_a_french_word() -> None:
    for outcome in get_args(Outcome):
        assert outcome_in(outcome, "en") == outcome
        assert outcome_in(outcome, "fr") != outcome
