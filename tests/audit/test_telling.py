"""Every kind of fact is told, whole, in French and in English."""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from huissier.adapters.audit.telling import TELLERS, Language, told
from huissier.domain import events as e
from huissier.domain.reasons import Code
from tests.log.events import AT, EVENTS, RECORDED_AT

# What no line needs: digests, and what the fact's other fields say already.
LEFT_OUT = {"type", "at", "message_id", "in_reply_to", "code", "sent_at"}


def test_no_kind_of_fact_is_forgotten() -> None:
    assert set(TELLERS) == set(get_args(e.AnyEvent))


def texts_in(form: Any, name: str = "") -> Iterator[str]:
    """Yield every text and number in a fact that a line should hold."""
    if isinstance(form, dict):
        for inner, value in form.items():
            yield from texts_in(value, inner)
    elif isinstance(form, (list, tuple)):
        for value in form:
            yield from texts_in(value, name)
    elif name not in LEFT_OUT and form and not isinstance(form, bool) and name != "facts":
        yield str(form)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_line_holds_what_the_fact_says(event: e.AnyEvent, language: Language) -> None:
    who, what = told(event, language)
    for text in texts_in(msgspec.to_builtins(event)):
        assert text in f"{who}: {what}"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_the_two_languages_differ(event: e.AnyEvent) -> None:
    assert told(event, "fr") != told(event, "en")


MAILBOX = "dr.a@ch.mssante.fr"


@pytest.mark.parametrize(
    ("event", "fr", "en"),
    [
        (
            e.CguPublished(at=AT, operator="ght", version="1"),
            "a publié la version 1 de ses CGU, en vigueur aussitôt",
            "published version 1 of its CGU, in force at once",
        ),
        (
            e.CguPublished(at=AT, operator="ght", version="1", deadline=RECORDED_AT),
            "a publié la version 1 de ses CGU, à signer avant le 2026-11-01T00:00:00Z",
            "published version 1 of its CGU, to be signed by 2026-11-01T00:00:00Z",
        ),
        (
            e.DomainAdmitted(at=AT, domain="ch.mssante.fr", hosted=False),
            "admis dans l'espace de confiance (non hébergé ici)",
            "admitted to the trust space (not hosted here)",
        ),
        (
            e.DomainWithdrawn(at=AT, domain="ch.mssante.fr"),
            "retiré de l'espace de confiance",
            "withdrawn from the trust space",
        ),
        (e.MailboxCreated(at=AT, address=MAILBOX, kind="PER"), "BAL PER créée", "PER mailbox created"),
        (e.MailboxSuspended(at=AT, address=MAILBOX), "BAL suspendue", "mailbox suspended"),
        (
            e.ListeRougeSet(at=AT, address=MAILBOX, liste_rouge=True),
            "mise sur liste rouge",
            "put on the liste rouge",
        ),
        (
            e.MessageDelivered(at=AT, id="m-1", recipient=MAILBOX, sent=3, sent_at=AT),
            "a reçu le message m-1 soumis à la position 3",
            "received message m-1 submitted at position 3",
        ),
        (
            e.MessageUndelivered(at=AT, id="m-1", recipient=MAILBOX),
            "n'a pas reçu le message m-1",
            "did not receive message m-1",
        ),
        (
            e.MessageDecided(
                at=AT,
                id="m-1",
                sender=MAILBOX,
                verdicts=(
                    e.VerdictGiven(recipient="", accepted=False, reasons=(e.ReasonGiven(Code.ADDRESS_INVALID),)),
                ),
                rules="1.4",
            ),
            "a soumis le message m-1 pour une adresse illisible (refusé); règles 1.4",
            "submitted message m-1 for an unreadable address (refused); rules 1.4",
        ),
    ],
)
def test_what_is_absent_is_not_told(event: e.AnyEvent, fr: str, en: str) -> None:
    assert told(event, "fr").what == fr
    assert told(event, "en").what == en


def test_a_sender_or_subject_that_cannot_be_read_is_called_so() -> None:
    decided = e.MessageDecided(at=AT, id="m-1", sender="", verdicts=(), rules="1.4")
    assert told(decided, "en").who == "an unreadable address"
    rejected = e.CommandRejected(at=AT, command="open-ens", subject="", reasons=())
    assert told(rejected, "fr").who == "(illisible)"
