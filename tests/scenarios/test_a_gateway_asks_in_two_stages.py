"""At RCPT a permission leaves no fact; at the end of the message it goes to everybody or to nobody."""

import pytest

from huissier import AdmitDomain, EraseUsager, Options, RegisterOperator, SuspendMailbox, WithdrawDomain
from huissier.adapters.testing.hospital import (
    CABINET,
    CABINET_CN,
    CABINET_DN,
    DOCTOR,
    GHT,
    OUTSIDER,
    REMOTE_DOCTOR,
    SURGEON,
    USAGER,
    ins,
    world,
    write,
)
from tests.scenarios.story import Story

RESIDENTS = "residents.mssante.fr"


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_at_rcpt_a_permission_is_not_recorded(story: Story) -> None:
    head = story.engine.head
    answer = story.engine.handle(write(DOCTOR, SURGEON, stage="rcpt"))
    assert (answer.outcome, answer.position, story.engine.head) == ("accepted", None, head)


def test_at_rcpt_a_refusal_is_recorded_once(story: Story) -> None:
    asked = write(DOCTOR, OUTSIDER, stage="rcpt")
    first = story.engine.handle(asked)
    assert (first.outcome, first.position) == ("refused", story.engine.head)
    assert story.engine.handle(asked) == first
    assert story.engine.head == first.position


def test_at_rcpt_the_vault_does_not_learn_who_is_let_through(story: Story) -> None:
    stranger = ins(7)
    story.given(RegisterOperator(operator="ehpad", kind="usager"), AdmitDomain(domain=RESIDENTS, operator="ehpad"))
    assert story.engine.handle(write(REMOTE_DOCTOR, f"{stranger}@{RESIDENTS}", stage="rcpt")).position is None
    story.when(EraseUsager(ins=stranger)).then_rejected("NOT_FOUND")


def test_at_the_end_a_message_that_may_go_to_everybody_is_accepted_and_recorded(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, REMOTE_DOCTOR, stage="end-of-message"))
    story.then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")
    assert story.answer.position == story.engine.head


def test_what_changed_since_rcpt_refuses_the_message_as_a_whole(story: Story) -> None:
    assert story.engine.handle(write(DOCTOR, SURGEON, stage="rcpt")).outcome == "accepted"
    story.given(SuspendMailbox(address=SURGEON))
    story.when(write(DOCTOR, SURGEON, USAGER, stage="end-of-message"))
    story.then_verdict(SURGEON, "RECIPIENT_SUSPENDED").then_verdict(USAGER, "OTHER_RECIPIENT_REFUSED")


def test_a_message_that_is_refused_as_a_whole_opens_and_ends_nothing(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, final_hop=True))
    story.when(write(DOCTOR, USAGER, OUTSIDER, subject="[FIN]", final_hop=True, stage="end-of-message"))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_a_refusal_for_a_reason_in_shadow_says_so_and_passes() -> None:
    story = Story(Options(shadow_reasons=("CONTACT_NOT_OPENED",))).given(*world())
    story.when(write(USAGER, DOCTOR, stage="end-of-message")).then_refused("CONTACT_NOT_OPENED")
    (verdict,) = story.answer.verdicts
    assert verdict.shadow
    assert verdict.passes
    assert story.answer.position == story.engine.head


def test_all_reasons_of_a_refusal_must_be_in_shadow() -> None:
    story = Story(Options(shadow_reasons=("CONTACT_NOT_OPENED",))).given(*world(), SuspendMailbox(address=DOCTOR))
    story.when(write(USAGER, DOCTOR)).then_refused("RECIPIENT_SUSPENDED", "CONTACT_NOT_OPENED")
    assert not story.answer.verdicts[0].passes


def test_an_operator_in_shadow_is_enough_at_either_end() -> None:
    story = Story(Options(shadow_operators=(GHT,))).given(*world(), SuspendMailbox(address=DOCTOR))
    for sender, recipient in ((DOCTOR, REMOTE_DOCTOR), (REMOTE_DOCTOR, DOCTOR)):
        (verdict,) = story.engine.check(write(sender, recipient))
        assert (verdict.outcome, verdict.shadow) == ("refused", True)


def test_at_rcpt_what_passes_in_shadow_leaves_no_fact_yet() -> None:
    story = Story(Options(shadow_reasons=("CONTACT_NOT_OPENED",))).given(*world())
    assert story.engine.handle(write(USAGER, DOCTOR, stage="rcpt")).position is None


def test_a_message_that_passes_in_shadow_opens_no_contact() -> None:
    story = Story(Options(shadow_reasons=("SENDER_SUSPENDED",))).given(*world(), SuspendMailbox(address=DOCTOR))
    story.when(write(DOCTOR, USAGER, final_hop=True)).then_refused("SENDER_SUSPENDED")
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_NOT_OPENED")


def test_a_shadow_does_not_outlive_the_refusal_of_the_whole_message() -> None:
    story = Story(Options(shadow_reasons=("CONTACT_NOT_OPENED",))).given(*world())
    story.when(write(USAGER, DOCTOR, OUTSIDER, stage="end-of-message"))
    story.then_verdict(DOCTOR, "CONTACT_NOT_OPENED", "OTHER_RECIPIENT_REFUSED")
    assert not any(verdict.passes for verdict in story.answer.verdicts)


def test_a_common_name_is_enough_where_the_gateway_knows_no_more(story: Story) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_cn=f" {CABINET_CN.upper()}"))
    story.then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")


@pytest.mark.parametrize("name", ["another.example", "", f"CN={CABINET_CN}", CABINET_DN])
def test_another_common_name_is_not(story: Story, name: str) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_cn=name)).then_refused("CERTIFICATE_NOT_ADMITTED")


def test_a_distinguished_name_comes_before_a_common_name(story: Story) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn="CN=other", certificate_cn=CABINET_CN))
    story.then_refused("CERTIFICATE_NOT_ADMITTED")


def test_the_log_keeps_what_a_verdict_rested_on_and_no_more(story: Story) -> None:
    story.given(WithdrawDomain(domain=CABINET))
    answer = story.engine.handle(
        write(REMOTE_DOCTOR, DOCTOR, subject="[FIN]", mss_mes="FIN", certificate_cn=CABINET_CN, stage="rcpt")
    )
    with story.engine.log.reading() as look:
        (fact,) = [data for position, data, _ in look.after((answer.position or 0) - 1, 1)]
    for kept in (b'"fin_subject":true', b'"fin_header":true', f'"certificate":"cn:{CABINET_CN}"'.encode(), b'"rcpt"'):
        assert kept in fact
