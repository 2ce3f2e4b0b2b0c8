"""Rule 5: a later delivered message opens an ended contact again, unless the option says no."""

import pytest

from huissier import Options
from huissier.adapters.testing.hospital import (
    DAY,
    DOCTOR,
    INSTANT,
    NOW,
    SECRETARIAT,
    USAGER,
    lost,
    reach,
    received,
    world,
    write,
)
from tests.scenarios.story import Story


@pytest.fixture
def story() -> Story:
    return Story().given(*world(), reach(DOCTOR, USAGER), reach(DOCTOR, USAGER, subject="[FIN]"))


def test_a_later_received_message_opens_the_contact_again(story: Story) -> None:
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")
    story.when(reach(DOCTOR, USAGER)).then_accepted("PROFESSIONNEL_TO_USAGER")
    reopening = story.answer.position
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN").then_rests_on(reopening)


def test_a_later_message_that_is_only_sent_does_not(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, id="again"))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")
    story.given(lost("again", USAGER))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")
    story.given(received("again", USAGER))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_a_later_message_with_another_reply_to_opens_that_address_only(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, reply_to=SECRETARIAT))
    story.when(write(USAGER, SECRETARIAT)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_a_later_message_with_the_fin_header_does_not_reopen(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, mss_mes="FIN"))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_a_contact_ends_and_opens_as_often_as_the_professionnel_likes(story: Story) -> None:
    for _ in range(3):
        story.given(reach(DOCTOR, USAGER)).when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
        story.given(reach(DOCTOR, USAGER, subject="[FIN]")).when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_of_one_instant_what_stands_later_in_the_log_is_later() -> None:
    story = Story().given(*world(), reach(DOCTOR, USAGER, subject="[FIN]", at=NOW), reach(DOCTOR, USAGER, at=NOW))
    story.when(write(USAGER, DOCTOR, at=NOW)).then_accepted("CONTACT_OPEN")


def test_the_contact_is_open_again_from_the_very_instant_on() -> None:
    story = Story().given(
        *world(), reach(DOCTOR, USAGER, subject="[FIN]", at=NOW - 2 * DAY), reach(DOCTOR, USAGER, at=NOW - DAY)
    )
    story.when(write(USAGER, DOCTOR, at=NOW - DAY - INSTANT)).then_refused("CONTACT_ENDED")
    story.when(write(USAGER, DOCTOR, at=NOW - DAY)).then_accepted("CONTACT_OPEN")


def test_a_late_message_from_before_the_fin_does_not_reopen() -> None:
    story = Story().given(
        *world(), reach(DOCTOR, USAGER, subject="[FIN]", at=NOW - DAY), reach(DOCTOR, USAGER, at=NOW - 2 * DAY)
    )
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_by_option_nothing_opens_an_ended_contact_again() -> None:
    story = Story(Options(reopening=False)).given(*world(), reach(DOCTOR, USAGER))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
    story.given(reach(DOCTOR, USAGER, subject="[FIN]"), reach(DOCTOR, USAGER))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_by_option_even_a_late_fin_from_before_the_last_message_is_final() -> None:
    story = Story(Options(reopening=False)).given(
        *world(), reach(DOCTOR, USAGER, at=NOW - DAY), reach(DOCTOR, USAGER, subject="[FIN]", at=NOW - 2 * DAY)
    )
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")
