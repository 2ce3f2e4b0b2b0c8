"""Rule 6: one message to professionnels and usagers since 2021-06-10, decided recipient by recipient."""

import pytest

from huissier import Options
from huissier.adapters.testing.hospital import (
    DOCTOR,
    INSTANT,
    NOBODY,
    OTHER_USAGER,
    OUTSIDER,
    REMOTE_DOCTOR,
    SECRETARIAT,
    STRANGER,
    SURGEON,
    USAGER,
    moment,
    reach,
    received,
    world,
    write,
)
from tests.scenarios.story import Story

SINCE_MIXED = moment("2021-06-10")


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_each_recipient_is_decided_on_its_own(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, USAGER, NOBODY, OUTSIDER, "nonsense")).then_mixed()
    story.then_verdict(SURGEON, "PROFESSIONNEL_TO_PROFESSIONNEL").then_verdict(USAGER, "PROFESSIONNEL_TO_USAGER")
    story.then_verdict(NOBODY, "RECIPIENT_UNKNOWN").then_verdict(OUTSIDER, "RECIPIENT_DOMAIN_NOT_ADMITTED")
    story.then_verdict("nonsense", "ADDRESS_INVALID")


def test_the_verdicts_come_in_the_order_and_the_spelling_of_the_command(story: Story) -> None:
    recipients = [USAGER.upper(), f"{SURGEON}.", "<bad>", SURGEON, "also bad", SURGEON.title()]
    story.when(write(DOCTOR, *recipients)).then_mixed()
    assert [verdict.recipient for verdict in story.answer.verdicts] == recipients


def test_a_recipient_named_twice_is_decided_once(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, SURGEON.upper())).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")
    story.when(write(DOCTOR, USAGER, USAGER, id="twice")).then_accepted("PROFESSIONNEL_TO_USAGER")
    story.when(received("twice", USAGER.upper())).then_recorded()
    story.when(received("twice", USAGER)).then_unchanged()


def test_professionnels_and_usagers_together_since_the_tenth_of_june(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, USAGER, at=SINCE_MIXED))
    story.then_verdict(SURGEON, "PROFESSIONNEL_TO_PROFESSIONNEL").then_verdict(USAGER, "PROFESSIONNEL_TO_USAGER")
    story.when(write(DOCTOR, SURGEON, USAGER, at=SINCE_MIXED - INSTANT)).then_refused("MIXED_RECIPIENTS")


def test_before_that_two_messages_do_what_one_could_not(story: Story) -> None:
    before = SINCE_MIXED - INSTANT
    story.when(write(DOCTOR, SURGEON, REMOTE_DOCTOR, at=before)).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")
    story.when(write(DOCTOR, USAGER, OTHER_USAGER, at=before)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_before_that_an_unreadable_recipient_makes_no_mixture(story: Story) -> None:
    story.when(write(DOCTOR, USAGER, "nonsense", at=SINCE_MIXED - INSTANT)).then_mixed()
    story.then_verdict(USAGER, "PROFESSIONNEL_TO_USAGER").then_verdict("nonsense", "ADDRESS_INVALID")


def test_a_mixture_refused_opens_nothing(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, USAGER, at=SINCE_MIXED - INSTANT, final_hop=True))
    story.then_refused("MIXED_RECIPIENTS")
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_a_mixture_is_a_reason_beside_the_others(story: Story) -> None:
    story.when(write(DOCTOR, NOBODY, STRANGER, at=SINCE_MIXED - INSTANT))
    story.then_refused("RECIPIENT_UNKNOWN", "MIXED_RECIPIENTS")


def test_by_default_co_recipients_gain_nothing(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, SURGEON, REMOTE_DOCTOR))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, SURGEON, REMOTE_DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_by_option_every_professionnel_who_got_the_message_gains_a_contact() -> None:
    story = Story(Options(co_recipients="all")).given(*world())
    story.when(reach(DOCTOR, USAGER, SURGEON, REMOTE_DOCTOR, NOBODY)).then_mixed()
    story.when(write(USAGER, DOCTOR, SURGEON, REMOTE_DOCTOR)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, NOBODY)).then_refused("RECIPIENT_UNKNOWN", "CONTACT_NOT_OPENED")
    story.when(write(OTHER_USAGER, SURGEON)).then_refused("CONTACT_NOT_OPENED")


def test_by_option_co_recipients_gain_it_beside_the_reply_address_and_not_the_sender() -> None:
    story = Story(Options(co_recipients="all")).given(*world(), reach(DOCTOR, USAGER, SURGEON, reply_to=SECRETARIAT))
    story.when(write(USAGER, SECRETARIAT, SURGEON)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_by_option_co_recipients_gain_it_only_once_the_usager_received_the_message() -> None:
    story = Story(Options(co_recipients="all")).given(*world(), write(DOCTOR, USAGER, SURGEON, id="m"))
    story.given(received("m", SURGEON))
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_NOT_OPENED")
    story.given(received("m", USAGER))
    story.when(write(USAGER, SURGEON)).then_accepted("CONTACT_OPEN")


def test_by_option_a_fin_opens_nothing_for_co_recipients() -> None:
    story = Story(Options(co_recipients="all")).given(*world(), reach(DOCTOR, USAGER, SURGEON, subject="[FIN]"))
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_a_retry_with_other_recipients_gets_the_first_answer(story: Story) -> None:
    story.when(write(DOCTOR, USAGER, SURGEON, id="m")).then_verdict(USAGER, "PROFESSIONNEL_TO_USAGER")
    first = story.answer.position
    story.when(write(DOCTOR, NOBODY, id="m")).then_verdict("usager@patient.mssante.fr", "PROFESSIONNEL_TO_USAGER")
    story.then_verdict(SURGEON, "PROFESSIONNEL_TO_PROFESSIONNEL")
    assert (story.answer.position, len(story.answer.verdicts)) == (first, 2)


def test_a_retry_in_another_order_and_spelling_gets_the_first_answer_in_its_own(story: Story) -> None:
    story.when(write(DOCTOR, USAGER, NOBODY, id="m")).then_mixed()
    story.when(write(SURGEON, NOBODY.upper(), USAGER, id="m")).then_mixed()
    story.then_verdict(NOBODY.upper(), "RECIPIENT_UNKNOWN").then_verdict(USAGER, "PROFESSIONNEL_TO_USAGER")
