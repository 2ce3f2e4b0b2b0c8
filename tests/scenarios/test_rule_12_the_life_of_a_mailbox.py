"""Rule 12: created → active ⇄ suspended → deleted; neither of the last two sends or receives."""

import pytest

from huissier import (
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    OpenEns,
    ResumeMailbox,
    SetListeRouge,
    SuspendMailbox,
)
from huissier.adapters.testing.hospital import (
    DAY,
    DOCTOR,
    INSTANT,
    NOW,
    SINCE,
    SURGEON,
    USAGER,
    ins,
    reach,
    received,
    world,
    write,
)
from tests.scenarios.story import Story

ALLOWED = "PROFESSIONNEL_TO_PROFESSIONNEL"


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_a_suspended_mailbox_neither_sends_nor_receives(story: Story) -> None:
    story.when(SuspendMailbox(address=DOCTOR)).then_recorded()
    suspension = story.answer.position
    story.when(write(DOCTOR, SURGEON)).then_refused("SENDER_SUSPENDED").then_rests_on(suspension)
    story.when(write(SURGEON, DOCTOR)).then_refused("RECIPIENT_SUSPENDED").then_rests_on(suspension)
    story.when(write(DOCTOR, DOCTOR)).then_refused("SENDER_SUSPENDED", "RECIPIENT_SUSPENDED")


def test_a_resumed_mailbox_works_again(story: Story) -> None:
    story.given(SuspendMailbox(address=DOCTOR), ResumeMailbox(address=DOCTOR))
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)
    story.when(write(SURGEON, DOCTOR)).then_accepted(ALLOWED)


@pytest.mark.parametrize("before", [(), (SuspendMailbox(address=DOCTOR),)], ids=["active", "suspended"])
def test_a_deleted_mailbox_neither_sends_nor_receives(story: Story, before: tuple[AnyCommand, ...]) -> None:
    story.given(*before).when(DeleteMailbox(address=DOCTOR)).then_recorded()
    deletion = story.answer.position
    story.when(write(DOCTOR, SURGEON)).then_refused("SENDER_DELETED").then_rests_on(deletion)
    story.when(write(SURGEON, DOCTOR)).then_refused("RECIPIENT_DELETED").then_rests_on(deletion)


def test_each_step_counts_from_its_very_instant_on(story: Story) -> None:
    story.given(
        SuspendMailbox(at=NOW, address=DOCTOR),
        ResumeMailbox(at=NOW + DAY, address=DOCTOR),
        DeleteMailbox(at=NOW + 2 * DAY, address=DOCTOR),
    )
    story.when(write(DOCTOR, SURGEON, at=NOW - INSTANT)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_refused("SENDER_SUSPENDED")
    story.when(write(DOCTOR, SURGEON, at=NOW + DAY - INSTANT)).then_refused("SENDER_SUSPENDED")
    story.when(write(DOCTOR, SURGEON, at=NOW + DAY)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=NOW + 2 * DAY - INSTANT)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=NOW + 2 * DAY)).then_refused("SENDER_DELETED")


def test_a_late_suspension_counts_from_its_own_date_until_what_came_after_it(story: Story) -> None:
    story.given(DeleteMailbox(at=NOW, address=DOCTOR), SuspendMailbox(at=NOW - DAY, address=DOCTOR))
    story.when(write(DOCTOR, SURGEON, at=NOW - DAY - INSTANT)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=NOW - DAY)).then_refused("SENDER_SUSPENDED")
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_refused("SENDER_DELETED")


def test_a_late_deletion_stands_against_what_came_after_it(story: Story) -> None:
    story.given(
        SuspendMailbox(at=NOW - DAY, address=DOCTOR),
        ResumeMailbox(at=NOW, address=DOCTOR),
        DeleteMailbox(at=NOW - 2 * DAY, address=DOCTOR),
    )
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_refused("SENDER_DELETED")


def test_an_address_is_never_given_again(story: Story) -> None:
    story.given(DeleteMailbox(at=NOW, address=DOCTOR))
    again = CreateMailbox(at=NOW + DAY, address=DOCTOR, kind="PER", rpps="10000000001")
    story.when(again).then_rejected("ALREADY_EXISTS")
    story.when(CreateMailbox(at=NOW + DAY, address=DOCTOR, kind="ORG")).then_rejected("ALREADY_EXISTS")


def test_the_kind_of_a_mailbox_never_changes(story: Story) -> None:
    story.when(CreateMailbox(address=DOCTOR, kind="ORG")).then_rejected("ALREADY_EXISTS")
    story.when(CreateMailbox(at=SINCE - DAY, address=DOCTOR, kind="ORG")).then_rejected("DOMAIN_NOT_HOSTED")


@pytest.mark.parametrize("liste_rouge", [True, False])
def test_the_liste_rouge_changes_nothing_of_who_may_write(story: Story, liste_rouge: bool) -> None:
    story.given(SetListeRouge(address=DOCTOR, liste_rouge=True), SetListeRouge(address=DOCTOR, liste_rouge=liste_rouge))
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)
    story.when(write(SURGEON, DOCTOR)).then_accepted(ALLOWED)
    story.given(reach(DOCTOR, USAGER)).when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_opening_an_ens_creates_the_usagers_mailbox(story: Story) -> None:
    address = f"{ins(4)}@patient.mssante.fr"
    story.given(OpenEns(at=NOW, ins=ins(4), oid="1.2.250.1.213.1.4.8"))
    story.when(write(DOCTOR, address, at=NOW - INSTANT)).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(DOCTOR, address, at=NOW)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_closing_the_ens_closes_the_usagers_mailbox(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, at=NOW - DAY)).when(CloseEns(at=NOW, ins=ins(1))).then_recorded()
    story.when(write(USAGER, DOCTOR, at=NOW - INSTANT)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR, at=NOW)).then_refused("SENDER_DELETED")
    story.when(write(DOCTOR, USAGER, at=NOW)).then_refused("RECIPIENT_DELETED")


def test_an_ens_opened_again_finds_its_contacts(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER), CloseEns(ins=ins(1)))
    story.when(OpenEns(ins=ins(1))).then_recorded()
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_a_usagers_mailbox_is_suspended_and_resumed_like_any_other(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER), SuspendMailbox(address=USAGER))
    story.when(write(USAGER, DOCTOR)).then_refused("SENDER_SUSPENDED")
    story.when(write(DOCTOR, USAGER)).then_refused("RECIPIENT_SUSPENDED")
    story.given(ResumeMailbox(address=USAGER)).when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_closing_a_suspended_ens_closes_it(story: Story) -> None:
    story.given(SuspendMailbox(address=USAGER), CloseEns(ins=ins(1)))
    story.when(ResumeMailbox(address=USAGER)).then_rejected("NOT_ALLOWED_IN_STATE")


def test_what_was_sent_before_the_mailbox_closed_may_still_be_reported(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="m", at=NOW - DAY), CloseEns(at=NOW, ins=ins(1)))
    story.when(received("m", USAGER, at=NOW)).then_recorded()


def test_all_that_stands_against_a_message_is_named(story: Story) -> None:
    story.given(SuspendMailbox(address=DOCTOR), DeleteMailbox(address=SURGEON))
    story.when(write(DOCTOR, SURGEON)).then_refused("RECIPIENT_DELETED", "SENDER_SUSPENDED")
    story.when(write(SURGEON, DOCTOR)).then_refused("SENDER_DELETED", "RECIPIENT_SUSPENDED")
