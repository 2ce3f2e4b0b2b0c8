"""Rule 1: a usager may write only after a message from that professionnel was received."""

from typing import get_args

import pytest

from huissier import AnyCommand, CreateMailbox
from huissier.adapters.testing.hospital import (
    CABINET,
    DAY,
    DOCTOR,
    HOSPITAL,
    INSTANT,
    NOW,
    OTHER_USAGER,
    REMOTE_DOCTOR,
    SECRETARIAT,
    SINCE,
    STRANGER,
    SURGEON,
    USAGER,
    lost,
    reach,
    received,
    world,
    write,
)
from huissier.domain.commands import MailboxKind
from tests.scenarios.story import Story


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_a_professionnel_may_write_first(story: Story) -> None:
    story.when(write(DOCTOR, USAGER)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_a_usager_may_not_write_first(story: Story) -> None:
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


@pytest.mark.parametrize("kind", get_args(MailboxKind))
def test_a_usager_may_not_write_first_to_a_mailbox_of_any_kind(story: Story, kind: MailboxKind) -> None:
    address = f"une.bal@{HOSPITAL}"
    story.given(CreateMailbox(address=address, kind=kind))
    story.when(write(USAGER, address)).then_refused("CONTACT_NOT_OPENED")
    story.given(reach(address, USAGER))
    story.when(write(USAGER, address)).then_accepted("CONTACT_OPEN")


def test_sent_is_not_received(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first"))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_the_right_begins_with_the_report_of_delivery(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first")).when(received("first", USAGER)).then_recorded()
    delivered = story.answer.position
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN").then_rests_on(delivered)


def test_the_right_rests_on_the_earliest_report_of_a_delivery_whenever_it_was_recorded(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first", at=NOW - 3 * DAY))
    story.given(received("first", USAGER, at=NOW - DAY)).when(
        received("first", USAGER, at=NOW - 2 * DAY)
    ).then_recorded()
    earlier = story.answer.position
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN").then_rests_on(earlier)


def test_at_the_final_hop_acceptance_is_delivery(story: Story) -> None:
    story.when(reach(DOCTOR, USAGER)).then_accepted("PROFESSIONNEL_TO_USAGER")
    submitted = story.answer.position
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN").then_rests_on(submitted)


def test_the_right_begins_at_the_very_instant_of_delivery(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first", at=NOW - DAY), received("first", USAGER, at=NOW))
    story.when(write(USAGER, DOCTOR, at=NOW - INSTANT)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(USAGER, DOCTOR, at=NOW)).then_accepted("CONTACT_OPEN")


def test_a_message_that_could_not_be_delivered_opens_nothing(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first"), lost("first", USAGER))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_a_message_that_arrived_after_all_opens_the_contact(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first"), lost("first", USAGER), received("first", USAGER))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_a_refused_message_opens_nothing_even_at_the_final_hop(story: Story) -> None:
    story.when(reach(DOCTOR, STRANGER)).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(STRANGER, DOCTOR)).then_refused("SENDER_UNKNOWN", "CONTACT_NOT_OPENED")


def test_a_refused_message_cannot_be_reported_delivered(story: Story) -> None:
    story.when(write(DOCTOR, STRANGER, id="first")).then_refused("RECIPIENT_UNKNOWN")
    story.when(received("first", STRANGER)).then_rejected("NOT_ALLOWED_IN_STATE")


def test_what_one_usager_received_says_nothing_of_another(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, OTHER_USAGER, id="both"), received("both", USAGER))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
    story.when(write(OTHER_USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_what_one_professionnel_wrote_says_nothing_of_another(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER))
    story.when(write(USAGER, SURGEON, SECRETARIAT)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(USAGER, DOCTOR, SURGEON)).then_mixed()
    story.then_verdict(DOCTOR, "CONTACT_OPEN").then_verdict(SURGEON, "CONTACT_NOT_OPENED")


def test_what_the_usager_wrote_in_vain_opens_nothing(story: Story) -> None:
    story.when(write(USAGER, DOCTOR, final_hop=True)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_a_remote_professionnel_opens_a_contact_as_a_local_one_does(story: Story) -> None:
    story.when(write(USAGER, REMOTE_DOCTOR)).then_refused("CONTACT_NOT_OPENED")
    story.given(reach(REMOTE_DOCTOR, USAGER))
    story.when(write(USAGER, REMOTE_DOCTOR)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, f"dr.autre@{CABINET}")).then_refused("CONTACT_NOT_OPENED")


def test_a_remote_usagers_domain_learns_of_delivery_by_report() -> None:
    story = Story().given(*world(hosted_patients=False), write(DOCTOR, STRANGER, id="first"))
    story.when(write(STRANGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")
    story.given(received("first", STRANGER))
    story.when(write(STRANGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_a_late_report_counts_from_when_the_message_was_received(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first", at=NOW - 3 * DAY))
    story.when(write(USAGER, DOCTOR, id="early", at=NOW - DAY)).then_refused("CONTACT_NOT_OPENED")
    story.given(received("first", USAGER, at=NOW - 2 * DAY))
    story.when(write(USAGER, DOCTOR, at=NOW - DAY)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR, id="early", at=NOW - DAY)).then_refused("CONTACT_NOT_OPENED")


def test_a_message_is_not_received_before_it_was_sent(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first", at=NOW - DAY))
    story.when(received("first", USAGER, at=NOW - DAY - INSTANT)).then_rejected("NOT_FOUND")
    story.when(received("first", USAGER, at=NOW - DAY)).then_recorded()


def test_a_decision_rests_on_nothing_later_than_itself(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, at=NOW))
    story.when(write(USAGER, DOCTOR, at=SINCE + 2000 * DAY)).then_refused("CONTACT_NOT_OPENED")


def test_the_same_id_again_gets_the_first_answer_though_the_contact_is_open_now(story: Story) -> None:
    story.when(write(USAGER, DOCTOR, id="question")).then_refused("CONTACT_NOT_OPENED")
    story.given(reach(DOCTOR, USAGER))
    story.when(write(USAGER, DOCTOR, id="question")).then_refused("CONTACT_NOT_OPENED")
    story.when(write(USAGER, DOCTOR, id="question, again")).then_accepted("CONTACT_OPEN")


@pytest.mark.parametrize(
    "again",
    [received("first", USAGER), received("first", USAGER, at=NOW + DAY)],
    ids=["at the same time", "a day later"],
)
def test_a_second_report_of_delivery_changes_nothing(story: Story, again: AnyCommand) -> None:
    story.given(write(DOCTOR, USAGER, id="first"), received("first", USAGER))
    story.when(again).then_unchanged()
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_a_late_report_of_delivery_stands_against_what_was_reported_lost_after_it(story: Story) -> None:
    story.given(
        write(DOCTOR, USAGER, id="first", at=NOW),
        lost("first", USAGER, at=NOW + 2 * DAY),
        received("first", USAGER, at=NOW + DAY),
    )
    story.when(write(USAGER, DOCTOR, at=NOW + 3 * DAY)).then_accepted("CONTACT_OPEN")
    story.when(received("first", USAGER, at=NOW + 3 * DAY)).then_unchanged()
    story.when(lost("first", USAGER, at=NOW + 3 * DAY)).then_rejected("NOT_ALLOWED_IN_STATE")


def test_an_older_message_that_arrives_last_takes_nothing_away(story: Story) -> None:
    story.given(
        write(DOCTOR, USAGER, id="older", at=NOW - 3 * DAY), write(DOCTOR, USAGER, id="newer", at=NOW - 2 * DAY)
    )
    story.when(received("newer", USAGER, at=NOW - DAY)).then_recorded()
    newer = story.answer.position
    story.given(received("older", USAGER, at=NOW))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN").then_rests_on(newer)
