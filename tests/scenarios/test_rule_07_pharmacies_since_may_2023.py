"""Rule 7: since 2023-05-22 a usager may write first to a pharmacy's published ORG mailbox."""

import pytest

from huissier import CreateMailbox, SetListeRouge, SuspendMailbox
from huissier.adapters.testing.hospital import (
    DAY,
    DOCTOR,
    HOSPITAL,
    INSTANT,
    NOW,
    SINCE,
    STRANGER,
    USAGER,
    moment,
    reach,
    world,
    write,
)
from huissier.domain.commands import MailboxKind
from huissier.domain.rule_set import PHARMACIES
from tests.scenarios.story import Story

SINCE_PHARMACIES = moment("2023-05-22")
PHARMACY = f"pharmacie@{HOSPITAL}"


def pharmacy(kind: MailboxKind = "ORG", secteur: str | None = "SA33", *, liste_rouge: bool = False) -> CreateMailbox:
    return CreateMailbox(at=SINCE, address=PHARMACY, kind=kind, secteur=secteur, liste_rouge=liste_rouge)


@pytest.fixture
def story() -> Story:
    return Story().given(*world(), pharmacy())


@pytest.mark.parametrize("secteur", ["SA33", "SA38", "SA39", "SA65", "sa33"])
def test_a_usager_may_write_first_to_a_pharmacy(secteur: str) -> None:
    story = Story().given(*world(), pharmacy(secteur=secteur))
    story.when(write(USAGER, PHARMACY)).then_accepted("PHARMACY_OPEN_TO_USAGERS")


def test_the_right_rests_on_the_pharmacys_mailbox(story: Story) -> None:
    created = story.engine.head
    story.when(write(USAGER, PHARMACY)).then_accepted("PHARMACY_OPEN_TO_USAGERS").then_rests_on(created)


def test_the_secteurs_of_pharmacies_are_these_four() -> None:
    assert {"SA33", "SA38", "SA39", "SA65"} == PHARMACIES


def test_from_the_first_instant_of_its_date_and_not_before(story: Story) -> None:
    story.when(write(USAGER, PHARMACY, at=SINCE_PHARMACIES - INSTANT)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(USAGER, PHARMACY, at=SINCE_PHARMACIES)).then_accepted("PHARMACY_OPEN_TO_USAGERS")


@pytest.mark.parametrize(
    "mailbox",
    [
        pharmacy("PER"),
        pharmacy("APP"),
        pharmacy("CAB"),
        pharmacy(secteur="SA01"),
        pharmacy(secteur=None),
        pharmacy(liste_rouge=True),
    ],
    ids=["personal", "applicative", "cabinet", "another secteur", "no secteur", "not published"],
)
def test_only_a_published_org_mailbox_of_these_secteurs_is_meant(mailbox: CreateMailbox) -> None:
    Story().given(*world(), mailbox).when(write(USAGER, PHARMACY)).then_refused("CONTACT_NOT_OPENED")


def test_a_pharmacy_that_hides_from_the_directory_is_not_open_any_more(story: Story) -> None:
    story.given(SetListeRouge(at=NOW - DAY, address=PHARMACY, liste_rouge=True))
    story.when(write(USAGER, PHARMACY, at=NOW - DAY - INSTANT)).then_accepted("PHARMACY_OPEN_TO_USAGERS")
    story.when(write(USAGER, PHARMACY, at=NOW - DAY)).then_refused("CONTACT_NOT_OPENED")
    story.given(SetListeRouge(at=NOW, address=PHARMACY, liste_rouge=False))
    story.when(write(USAGER, PHARMACY, at=NOW)).then_accepted("PHARMACY_OPEN_TO_USAGERS")


def test_every_reason_for_an_acceptance_is_named(story: Story) -> None:
    story.given(reach(PHARMACY, USAGER))
    story.when(write(USAGER, PHARMACY)).then_accepted("CONTACT_OPEN", "PHARMACY_OPEN_TO_USAGERS")
    story.when(write(USAGER, PHARMACY, at=SINCE_PHARMACIES - INSTANT)).then_refused("CONTACT_NOT_OPENED")


def test_a_hidden_pharmacy_keeps_the_contacts_it_opened(story: Story) -> None:
    story.given(reach(PHARMACY, USAGER), SetListeRouge(address=PHARMACY, liste_rouge=True))
    story.when(write(USAGER, PHARMACY)).then_accepted("CONTACT_OPEN")


def test_a_pharmacy_may_end_the_exchange_too(story: Story) -> None:
    story.given(reach(PHARMACY, USAGER, subject="[FIN]"))
    story.when(write(USAGER, PHARMACY)).then_refused("CONTACT_ENDED")
    story.given(reach(PHARMACY, USAGER))
    story.when(write(USAGER, PHARMACY)).then_accepted("CONTACT_OPEN", "PHARMACY_OPEN_TO_USAGERS")


def test_a_pharmacys_message_may_forbid_an_answer(story: Story) -> None:
    story.given(reach(PHARMACY, USAGER, mss_mes="FIN", message_id="<no@pharmacie>"))
    story.when(write(USAGER, PHARMACY, in_reply_to="<no@pharmacie>")).then_refused("REPLY_NOT_ALLOWED")
    story.when(write(USAGER, PHARMACY)).then_accepted("PHARMACY_OPEN_TO_USAGERS")


def test_being_a_pharmacy_heals_no_other_refusal(story: Story) -> None:
    story.when(write(STRANGER, PHARMACY)).then_refused("SENDER_UNKNOWN")
    story.given(SuspendMailbox(address=PHARMACY))
    story.when(write(USAGER, PHARMACY)).then_refused("RECIPIENT_SUSPENDED")


def test_writing_to_a_pharmacy_opens_nothing_elsewhere(story: Story) -> None:
    story.given(write(USAGER, PHARMACY, final_hop=True))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_for_professionnels_a_pharmacy_is_one_of_them(story: Story) -> None:
    story.when(write(DOCTOR, PHARMACY)).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")
    story.when(write(PHARMACY, USAGER)).then_accepted("PROFESSIONNEL_TO_USAGER")
