"""Rule 4: `[FIN]` ends a contact; `X-MSS-MES: FIN` forbids answering that message. Two different refusals."""

import pytest

from huissier import Options
from huissier.adapters.testing.hospital import (
    DAY,
    DOCTOR,
    INSTANT,
    NOW,
    OTHER_USAGER,
    SECRETARIAT,
    STRANGER,
    SURGEON,
    USAGER,
    reach,
    received,
    world,
    write,
)
from tests.scenarios.story import Story


@pytest.fixture
def story() -> Story:
    return Story().given(*world(), reach(DOCTOR, USAGER, message_id="<first@ch>"))


@pytest.fixture
def strict() -> Story:
    """The FIN header ends the contact as the subject does."""
    options = Options(fin_header="ends-contact")
    return Story(options).given(*world(), reach(DOCTOR, USAGER, message_id="<first@ch>"))


def test_fin_as_the_subject_ends_the_contact(story: Story) -> None:
    story.when(reach(DOCTOR, USAGER, subject="[FIN]")).then_accepted("PROFESSIONNEL_TO_USAGER")
    fin = story.answer.position
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED").then_rests_on(fin)
    story.when(write(USAGER, DOCTOR, in_reply_to="<first@ch>")).then_refused("CONTACT_ENDED")


@pytest.mark.parametrize(
    "subject",
    ["[fin]", "[Fin]", " [FIN]", "[FIN] ", "[FIN]\n", "FIN", "Re: [FIN]", "[FIN].", "[ FIN ]", "\uff3bFIN\uff3d", ""],
)
def test_any_other_subject_ends_nothing(story: Story, subject: str) -> None:
    story.given(reach(DOCTOR, USAGER, subject=subject))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_fin_needs_no_delivery_to_end_the_contact(story: Story) -> None:
    story.given(write(DOCTOR, USAGER, subject="[FIN]"))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_fin_ends_a_contact_from_its_very_instant_on(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, at=NOW - 2 * DAY), reach(DOCTOR, USAGER, subject="[FIN]", at=NOW - DAY))
    story.when(write(USAGER, DOCTOR, at=NOW - DAY - INSTANT)).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR, at=NOW - DAY)).then_refused("CONTACT_ENDED")


def test_fin_ends_the_contact_with_its_recipients_and_nobody_else(story: Story) -> None:
    story.given(reach(DOCTOR, OTHER_USAGER), reach(SURGEON, USAGER), reach(DOCTOR, USAGER, subject="[FIN]"))
    story.when(write(USAGER, DOCTOR, SURGEON)).then_mixed()
    story.then_verdict(DOCTOR, "CONTACT_ENDED").then_verdict(SURGEON, "CONTACT_OPEN")
    story.when(write(OTHER_USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_fin_to_several_usagers_ends_every_contact(story: Story) -> None:
    story.given(reach(DOCTOR, OTHER_USAGER), reach(DOCTOR, USAGER, OTHER_USAGER, subject="[FIN]"))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")
    story.when(write(OTHER_USAGER, DOCTOR)).then_refused("CONTACT_ENDED")


def test_fin_with_a_reply_to_ends_both_contacts(story: Story) -> None:
    story.given(
        reach(DOCTOR, USAGER, reply_to=SECRETARIAT), reach(DOCTOR, USAGER, reply_to=SECRETARIAT, subject="[FIN]")
    )
    story.when(write(USAGER, DOCTOR, SECRETARIAT)).then_refused("CONTACT_ENDED")


def test_a_refused_fin_ends_nothing(story: Story) -> None:
    story.given(reach(DOCTOR, OTHER_USAGER))
    story.when(write(DOCTOR, USAGER, subject="[FIN]", size=25_000_001)).then_refused("MESSAGE_TOO_LARGE")
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
    story.when(write(DOCTOR, STRANGER, subject="[FIN]")).then_refused("RECIPIENT_UNKNOWN")


def test_a_usager_cannot_end_a_contact(story: Story) -> None:
    story.given(write(USAGER, DOCTOR, subject="[FIN]", mss_mes="FIN", final_hop=True))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_fin_before_anything_was_received_is_still_the_end(story: Story) -> None:
    story.given(reach(SURGEON, USAGER, subject="[FIN]"))
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_ENDED")


def test_fin_ends_what_was_sent_before_it_though_it_arrives_later(story: Story) -> None:
    story.given(
        write(SURGEON, USAGER, id="slow", at=NOW - 3 * DAY),
        write(SURGEON, USAGER, subject="[FIN]", at=NOW - 2 * DAY),
        received("slow", USAGER, at=NOW - DAY),
    )
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_ENDED")


def test_a_late_fin_counts_from_when_it_was_sent(story: Story) -> None:
    story.given(reach(SURGEON, USAGER, at=NOW - 2 * DAY))
    story.when(write(USAGER, SURGEON, at=NOW - DAY)).then_accepted("CONTACT_OPEN")
    story.given(reach(SURGEON, USAGER, subject="[FIN]", at=NOW - DAY))
    story.when(write(USAGER, SURGEON, at=NOW - DAY)).then_refused("CONTACT_ENDED")


def test_a_late_fin_from_before_the_last_message_leaves_the_contact_open(story: Story) -> None:
    story.given(reach(SURGEON, USAGER, at=NOW - DAY), reach(SURGEON, USAGER, subject="[FIN]", at=NOW - 2 * DAY))
    story.when(write(USAGER, SURGEON)).then_accepted("CONTACT_OPEN")


@pytest.mark.parametrize("value", ["FIN", "fin", " FIN ", "Fin"])
def test_the_fin_header_forbids_answering_that_message_only(story: Story, value: str) -> None:
    story.when(reach(DOCTOR, USAGER, mss_mes=value, message_id="<last@ch>")).then_accepted("PROFESSIONNEL_TO_USAGER")
    header = story.answer.position
    story.when(write(USAGER, DOCTOR, in_reply_to="<last@ch>")).then_refused("REPLY_NOT_ALLOWED").then_rests_on(header)
    story.when(write(USAGER, DOCTOR, in_reply_to="<first@ch>")).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


@pytest.mark.parametrize("value", ["", "FINI", "DEBUT", "_FIN", "MDN"])
def test_any_other_header_value_forbids_nothing(story: Story, value: str) -> None:
    story.given(reach(DOCTOR, USAGER, mss_mes=value, message_id="<last@ch>"))
    story.when(write(USAGER, DOCTOR, in_reply_to="<last@ch>")).then_accepted("CONTACT_OPEN")


@pytest.mark.parametrize("spelling", ["<last@ch>", "last@ch", " <last@ch> "])
def test_a_message_id_is_known_with_and_without_angle_brackets(story: Story, spelling: str) -> None:
    story.given(reach(DOCTOR, USAGER, mss_mes="FIN", message_id="<last@ch>"))
    story.when(write(USAGER, DOCTOR, in_reply_to=spelling)).then_refused("REPLY_NOT_ALLOWED")


def test_a_first_message_with_the_fin_header_opens_nothing(story: Story) -> None:
    story.given(reach(SURGEON, USAGER, mss_mes="FIN", message_id="<only@ch>"))
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(USAGER, SURGEON, in_reply_to="<only@ch>")).then_refused("CONTACT_NOT_OPENED", "REPLY_NOT_ALLOWED")


def test_a_fin_header_message_reported_delivered_opens_nothing_either(story: Story) -> None:
    story.given(write(SURGEON, USAGER, id="only", mss_mes="FIN"), received("only", USAGER))
    story.when(write(USAGER, SURGEON)).then_refused("CONTACT_NOT_OPENED")


def test_the_fin_header_speaks_for_the_reply_address_too(story: Story) -> None:
    story.given(
        reach(SECRETARIAT, USAGER),
        reach(DOCTOR, USAGER, reply_to=SECRETARIAT, mss_mes="FIN", message_id="<last@ch>"),
    )
    story.when(write(USAGER, DOCTOR, SECRETARIAT, in_reply_to="<last@ch>")).then_refused("REPLY_NOT_ALLOWED")


def test_the_fin_header_says_nothing_to_who_did_not_get_the_message(story: Story) -> None:
    story.given(reach(DOCTOR, OTHER_USAGER), reach(DOCTOR, USAGER, mss_mes="FIN", message_id="<last@ch>"))
    story.when(write(OTHER_USAGER, DOCTOR, in_reply_to="<last@ch>")).then_accepted("CONTACT_OPEN")


def test_the_fin_header_without_a_message_id_leaves_nothing_to_refuse(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, mss_mes="FIN"))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_several_messages_may_each_forbid_an_answer(story: Story) -> None:
    story.given(*(reach(DOCTOR, USAGER, mss_mes="FIN", message_id=f"<{n}@ch>") for n in range(3)))
    for n in range(3):
        story.when(write(USAGER, DOCTOR, in_reply_to=f"<{n}@ch>")).then_refused("REPLY_NOT_ALLOWED")


def test_subject_and_header_together_give_both_refusals(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, subject="[FIN]", mss_mes="FIN", message_id="<last@ch>"))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")
    story.when(write(USAGER, DOCTOR, in_reply_to="<last@ch>")).then_refused("CONTACT_ENDED", "REPLY_NOT_ALLOWED")


def test_the_two_refusals_tell_the_usager_different_things(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER, subject="[FIN]", mss_mes="FIN", message_id="<last@ch>"))
    story.when(write(USAGER, DOCTOR, in_reply_to="<last@ch>"))
    told = [reason.fr for reason in story.answer.verdicts[0].reasons]
    assert told == ["Le professionnel a mis fin à vos échanges.", "Ce message n'autorise pas la réponse."]


def test_by_option_the_fin_header_ends_the_contact_as_well(strict: Story) -> None:
    strict.given(reach(DOCTOR, USAGER, mss_mes="FIN", message_id="<last@ch>"))
    strict.when(write(USAGER, DOCTOR)).then_refused("CONTACT_ENDED")
    strict.when(write(USAGER, DOCTOR, in_reply_to="<last@ch>")).then_refused("CONTACT_ENDED", "REPLY_NOT_ALLOWED")


def test_by_option_the_fin_header_on_a_first_message_ends_what_never_began(strict: Story) -> None:
    strict.given(reach(SURGEON, USAGER, mss_mes="FIN"))
    strict.when(write(USAGER, SURGEON)).then_refused("CONTACT_ENDED")


def test_by_option_an_ordinary_message_opens_and_ends_nothing_more_than_before(strict: Story) -> None:
    strict.given(reach(DOCTOR, USAGER, mss_mes="AUTRE"))
    strict.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
