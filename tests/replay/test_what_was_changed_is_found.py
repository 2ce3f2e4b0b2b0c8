"""A log that somebody changed by hand: the replay names the position, the field, and what should stand there."""

from typing import Any

import msgspec
import pytest

import huissier
from huissier.adapters.audit.replay.replaying import replay, report_of
from huissier.adapters.testing import hospital as w
from huissier.domain.events import (
    AnyEvent,
    CommandRejected,
    MailboxCreated,
    MailboxSuspended,
    MessageDecided,
    MessageDelivered,
    ReasonGiven,
    WhiteListLoaded,
)
from huissier.domain.reasons import Code
from huissier.domain.vocabulary.certificate_dn import CertificateDn
from huissier.domain.white_list import WhiteList
from tests.replay.changing import Changed, changed, fields, place_of
from tests.replay.told import RowsSource, differences, log_of


@pytest.fixture(scope="module")
def log() -> RowsSource:
    """A small history with a bit of everything, honest."""
    pairs = {w.CABINET: frozenset({CertificateDn.parse(w.FOREIGN_DN)}), w.HOSPITAL: frozenset[CertificateDn]()}
    with huissier.open("sqlite://", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="too-early"))
        engine.handle(w.write(w.DOCTOR, w.USAGER, id="first", message_id="<1@mx>"))
        engine.handle(w.received("first", w.USAGER))
        engine.handle(w.received("too-early", w.DOCTOR))
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="answer"))
        engine.handle(w.write(w.DOCTOR, w.SURGEON, w.NOBODY, id="mixed"))
        engine.handle(w.write(w.DOCTOR, w.USAGER, id="last", subject="[FIN]"))
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="closed"))
        engine.handle(huissier.SuspendMailbox(address=w.SURGEON))
        engine.handle(huissier.ResumeMailbox(address=w.SURGEON))
        listed = WhiteList(generated_at=w.NOW, sha256="00ff", signer="CN=liste", rows=2, pairs=pairs)
        engine.load_white_list(listed)
        return log_of(engine)


def verdict(event: MessageDecided, place: int = 0, **values: Any) -> MessageDecided:
    verdicts = list(event.verdicts)
    verdicts[place] = msgspec.structs.replace(verdicts[place], **values)
    return msgspec.structs.replace(event, verdicts=tuple(verdicts))


def test_an_honest_log_has_no_difference(log: RowsSource) -> None:
    assert differences(log) == []


DECISIONS: list[tuple[str, str, Changed, str]] = [
    (
        "a refusal turned into an acceptance",
        "too-early",
        lambda e: verdict(e, accepted=True, reasons=(ReasonGiven(Code.CONTACT_OPEN, (1,)),)),
        f"verdict for {w.DOCTOR}",
    ),
    ("an acceptance turned into a refusal", "answer", lambda e: verdict(e, accepted=False), f"verdict for {w.DOCTOR}"),
    ("a reason dropped", "closed", lambda e: verdict(e, reasons=()), f"verdict for {w.DOCTOR}"),
    (
        "another fact named behind a reason",
        "answer",
        lambda e: verdict(e, reasons=(ReasonGiven(Code.CONTACT_OPEN, (2,)),)),
        f"verdict for {w.DOCTOR}",
    ),
    ("a refusal put into the shadow", "closed", lambda e: verdict(e, shadow=True), f"verdict for {w.DOCTOR}"),
    ("the second recipient's verdict", "mixed", lambda e: verdict(e, 1, accepted=True), f"verdict for {w.NOBODY}"),
    (
        "a contact added to those opened",
        "first",
        lambda e: msgspec.structs.replace(e, opens=(*e.opens, w.SURGEON)),
        "opens",
    ),
    ("an end that was taken out", "last", lambda e: msgspec.structs.replace(e, ends=()), "ends"),
    ("a sign of FIN that was put in", "mixed", lambda e: msgspec.structs.replace(e, ends=(w.DOCTOR,)), "ends"),
    ("other rules than the date's", "first", lambda e: msgspec.structs.replace(e, rules="1.3.1"), "rules"),
    ("an option nobody chose", "closed", lambda e: msgspec.structs.replace(e, rules=f"{e.rules} reopening=0"), "rules"),
]


@pytest.mark.parametrize(("what", "id_", "change", "field"), DECISIONS, ids=[what for what, *_ in DECISIONS])
def test_a_changed_decision_is_named_with_what_should_stand_there(
    log: RowsSource, what: str, id_: str, change: Changed, field: str
) -> None:
    position = place_of(log, MessageDecided, id_)
    found = differences(changed(log, position, change))
    assert found[0].position == position
    assert field in fields(found, position)
    assert found[0].recorded != found[0].recomputed


FACTS: list[tuple[str, type[AnyEvent], Changed]] = [
    ("a delivery to somebody else", MessageDelivered, lambda e: msgspec.structs.replace(e, recipient=w.SURGEON)),
    ("a delivery that opens more", MessageDelivered, lambda e: msgspec.structs.replace(e, opens=(w.DOCTOR, w.SURGEON))),
    ("a delivery of another submission", MessageDelivered, lambda e: msgspec.structs.replace(e, sent=1)),
    ("a mailbox that stands in no directory", MailboxCreated, lambda e: msgspec.structs.replace(e, rpps="1")),
    ("a mailbox on somebody else's domain", MailboxCreated, lambda e: msgspec.structs.replace(e, address=w.OUTSIDER)),
    ("a suspension of nobody", MailboxSuspended, lambda e: msgspec.structs.replace(e, address=w.NOBODY)),
    ("a rejection for nothing", CommandRejected, lambda e: msgspec.structs.replace(e, subject="answer")),
    ("a list that changed more", WhiteListLoaded, lambda e: msgspec.structs.replace(e, withdrawn=e.withdrawn + 9)),
]


@pytest.mark.parametrize(("what", "kind", "change"), FACTS, ids=[what for what, *_ in FACTS])
def test_any_other_changed_fact_is_found(log: RowsSource, what: str, kind: type[AnyEvent], change: Changed) -> None:
    position = place_of(log, kind)
    assert fields(differences(changed(log, position, change)), position)


def test_a_decision_of_a_time_that_kept_less_is_checked_as_far_as_it_goes(log: RowsSource) -> None:
    source = log
    for id_ in ("first", "last", "closed"):
        source = changed(
            source,
            place_of(log, MessageDecided, id_),
            lambda e: msgspec.structs.replace(e, whole=False, fin_subject=False, fin_header=False),
        )
    crew = replay(source, jobs=1)
    assert list(crew.findings()) == []
    report = report_of(crew.tally, 1, log.head, 0)
    assert report.not_checkable["certificate and FIN of decisions written before they were kept"] == 3
    lie = changed(source, place_of(log, MessageDecided, "closed"), lambda e: verdict(e, accepted=True))
    assert fields(differences(lie), place_of(log, MessageDecided, "closed")) == [f"verdict for {w.DOCTOR}"]


def test_a_certificate_that_was_not_kept_cannot_be_checked_but_its_place_can(log: RowsSource) -> None:
    position = place_of(log, MessageDecided, "closed")
    admitted = min(row.position for row in log.facts if f"domain:{w.PATIENTS}" in row.tags)

    def differing(*facts: int) -> list[str]:
        def older(event: MessageDecided) -> MessageDecided:
            reasons = (ReasonGiven(Code.CERTIFICATE_NOT_ADMITTED, facts), *event.verdicts[0].reasons)
            return msgspec.structs.replace(verdict(event, reasons=reasons), whole=False)

        return fields(differences(changed(log, position, older)), position)

    assert differing(admitted) == []
    assert differing(1) == [f"verdict for {w.DOCTOR}"]


def test_rules_that_nobody_knows_are_counted_and_not_taken_for_equal(log: RowsSource) -> None:
    position = place_of(log, MessageDecided, "closed")
    for label in ("2.0", "1.4+pharmacies moon=full", "1.4+pharmacies withdrawal_grace_days=some"):
        crew = replay(changed(log, position, lambda e: msgspec.structs.replace(e, rules=label)), jobs=1)  # noqa: B023
        assert list(crew.findings()) == []
        report = report_of(crew.tally, 1, log.head, 0)
        assert report.not_checkable["decisions under rules that this huissier does not know"] == 1


def test_a_submission_answered_twice_is_named(log: RowsSource) -> None:
    position = place_of(log, MessageDecided, "closed")
    found = differences(changed(log, position, lambda e: msgspec.structs.replace(e, id="answer")))
    assert [(one.field, one.recomputed) for one in found] == [("recorded", "the same id was answered before")]


def test_a_fact_that_was_taken_out_or_is_no_fact_is_named_by_its_position(log: RowsSource) -> None:
    rows = list(log.facts)
    gone = place_of(log, MessageDecided, "too-early")
    without = RowsSource([row for row in rows if row.position != gone], log.head)
    assert (differences(without)[0].field, differences(without)[0].recomputed) == ("position", gone)
    broken = RowsSource([row._replace(data=b"{}") if row.position == gone else row for row in rows], log.head)
    assert (differences(broken)[0].field, differences(broken)[0].position) == ("bytes", gone)


def test_tags_that_are_not_the_facts_own_are_named(log: RowsSource) -> None:
    position = place_of(log, MessageDelivered)
    rows = [row._replace(tags=row.tags[:1]) if row.position == position else row for row in log.facts]
    (found,) = differences(RowsSource(rows, log.head))
    assert (found.position, found.field, len(found.recorded), len(found.recomputed)) == (position, "tags", 1, 2)


def test_the_order_of_tags_means_nothing_and_their_number_does(log: RowsSource) -> None:
    turned = [row._replace(tags=row.tags[::-1]) for row in log.facts]
    assert differences(RowsSource(turned, log.head)) == []
    twice = [row._replace(tags=row.tags * 2) for row in log.facts]
    assert {one.field for one in differences(RowsSource(twice, log.head))} == {"tags"}


def test_only_what_was_asked_for_is_checked_on_all_that_stands_before(log: RowsSource) -> None:
    position = place_of(log, MessageDecided, "too-early")
    lie = changed(log, position, lambda e: verdict(e, accepted=True))
    assert differences(lie, first=position, last=position)
    assert {one.position for one in differences(lie, first=1, last=position - 1)} == set()
    assert position not in {one.position for one in differences(lie, first=position + 1)}


def test_a_permission_at_rcpt_leaves_no_fact(log: RowsSource) -> None:
    position = place_of(log, MessageDecided, "answer")
    (found,) = differences(changed(log, position, lambda e: msgspec.structs.replace(e, stage="rcpt")))
    assert (found.position, found.field, found.recomputed) == (
        position,
        "recorded",
        "a permission at RCPT leaves no fact",
    )


def test_a_recipient_named_twice_in_one_decision_is_found(log: RowsSource) -> None:
    position = place_of(log, MessageDecided, "mixed")
    twice = changed(log, position, lambda e: msgspec.structs.replace(e, verdicts=(*e.verdicts, e.verdicts[0])))
    found = [one for one in differences(twice) if one.field == "verdicts"]
    assert [(one.position, one.recorded, one.recomputed) for one in found] == [(position, 3, 2)]


def test_a_list_that_changed_nothing_is_checked_too() -> None:
    pairs = {w.HOSPITAL: frozenset[CertificateDn]()}
    listed = WhiteList(generated_at=w.NOW, sha256="00ff", signer="CN=liste", rows=1, pairs=pairs)
    with huissier.open("sqlite://", clock=lambda: w.NOW) as engine:
        engine.load_white_list(listed)
        engine.load_white_list(msgspec.structs.replace(listed, sha256="01ff"))
        log = log_of(engine)
    assert differences(log) == []
    lie = changed(log, log.head, lambda e: msgspec.structs.replace(e, admitted=1))
    assert fields(differences(lie), log.head) == ["admitted, withdrawn"]
