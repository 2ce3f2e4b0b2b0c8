"""Rule 2: the right is per contact, not per thread; a Reply-To within MSSanté is who may be written to."""

import pytest

from huissier import AdmitDomain, WithdrawDomain
from huissier.adapters.testing.hospital import (
    CABINET,
    DAY,
    DOCTOR,
    HOSPITAL,
    NOW,
    OTHER_USAGER,
    OUTSIDER,
    REMOTE_DOCTOR,
    SECRETARIAT,
    SURGEON,
    USAGER,
    operator,
    reach,
    received,
    world,
    write,
)
from tests.scenarios.story import Story


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_the_usager_may_answer_or_write_something_new_as_often_as_they_like(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, message_id="<one@ch>"))
    story.when(write(USAGER, DOCTOR, in_reply_to="<one@ch>")).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR, in_reply_to="<never-heard-of@ch>")).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_the_right_does_not_grow_old(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, at=NOW - 1900 * DAY))
    story.when(write(USAGER, DOCTOR, at=NOW)).then_accepted("CONTACT_OPEN")


@pytest.mark.parametrize("reply_to", [SECRETARIAT, REMOTE_DOCTOR])
def test_a_reply_to_within_mssante_gets_the_right_instead_of_the_sender(story: Story, reply_to: str) -> None:
    story.given(reach(DOCTOR, USAGER, reply_to=reply_to))
    story.when(write(USAGER, reply_to)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_a_reply_to_counts_as_well_where_delivery_is_reported(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="first", reply_to=SECRETARIAT), received("first", USAGER))
    story.when(write(USAGER, SECRETARIAT)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_a_reply_to_takes_nothing_away_from_a_contact_that_is_open(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER), reach(DOCTOR, USAGER, reply_to=SECRETARIAT))
    story.when(write(USAGER, DOCTOR, SECRETARIAT)).then_accepted("CONTACT_OPEN")


@pytest.mark.parametrize("reply_to", [DOCTOR, DOCTOR.upper(), f"{DOCTOR}.", ""])
def test_a_reply_to_oneself_in_any_spelling_is_the_sender(story: Story, reply_to: str) -> None:
    story.given(reach(DOCTOR, USAGER, reply_to=reply_to))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_a_reply_to_outside_mssante_leaves_the_right_with_the_sender(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, reply_to=OUTSIDER))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, OUTSIDER)).then_refused("RECIPIENT_DOMAIN_NOT_ADMITTED", "CONTACT_NOT_OPENED")


def test_a_reply_to_on_a_domain_withdrawn_by_then_leaves_the_right_with_the_sender(story: Story) -> None:
    story.given(WithdrawDomain(at=NOW, domain=CABINET))
    story.given(reach(DOCTOR, USAGER, at=NOW, reply_to=REMOTE_DOCTOR))
    story.given(AdmitDomain(at=NOW + DAY, domain=CABINET))
    story.when(write(USAGER, DOCTOR, at=NOW + DAY)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, REMOTE_DOCTOR, at=NOW + DAY)).then_refused("CONTACT_NOT_OPENED")


@pytest.mark.parametrize(
    "reply_to",
    [
        f"Secrétariat <{SECRETARIAT}>",
        f"<{SECRETARIAT}>",
        "n'importe quoi",
        f"{SECRETARIAT}, {SURGEON}",
        USAGER,
        OTHER_USAGER,
    ],
    ids=["display name", "angle brackets", "no address", "two addresses", "the usager", "another usager"],
)
def test_a_reply_to_that_cannot_be_read_or_is_a_usagers_opens_nothing(story: Story, reply_to: str) -> None:
    story.given(reach(DOCTOR, USAGER, reply_to=reply_to))
    story.when(write(USAGER, DOCTOR, SECRETARIAT, SURGEON)).then_refused("CONTACT_NOT_OPENED")


def test_a_reply_to_on_a_domain_of_an_operator_of_kind_usager_opens_nothing(story: Story) -> None:
    story.given(
        *operator("autre-espace", "usager"),
        AdmitDomain(domain="usagers.mssante.fr", operator="autre-espace"),
        reach(DOCTOR, USAGER, reply_to="quelqu.un@usagers.mssante.fr"),
    )
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_a_reply_to_is_never_who_is_judged(story: Story) -> None:
    story.when(write(DOCTOR, USAGER, reply_to=f"dr.inconnu@{HOSPITAL}")).then_accepted("PROFESSIONNEL_TO_USAGER")
    story.when(write(USAGER, DOCTOR, reply_to=SURGEON)).then_refused("CONTACT_NOT_OPENED")


def test_a_usagers_message_opens_nothing_for_anybody(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER), write(USAGER, DOCTOR, reply_to=SURGEON, final_hop=True))
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(OTHER_USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")
