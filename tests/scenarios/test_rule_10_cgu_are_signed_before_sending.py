"""Rule 10: a local mailbox whose holder has not signed the CGU in force may not send; it still receives."""

import pytest

from huissier import AdmitDomain, Options, PublishCgu, SignCgu
from huissier.adapters.testing.hospital import (
    CABINET,
    DAY,
    DOCTOR,
    GHT,
    HOSPITAL,
    INSTANT,
    MES,
    NOBODY,
    NOW,
    REMOTE_DOCTOR,
    SINCE,
    SURGEON,
    USAGER,
    moment,
    operator,
    reach,
    world,
    write,
)
from tests.scenarios.story import Story

ALLOWED, UNSIGNED = "PROFESSIONNEL_TO_PROFESSIONNEL", "CGU_NOT_SIGNED"


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_where_no_cgu_are_published_none_are_asked_for(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)


def test_who_has_not_signed_may_not_send_and_still_receives(story: Story) -> None:
    story.when(PublishCgu(operator=GHT, version="2026")).then_recorded()
    published = story.answer.position
    story.when(write(DOCTOR, SURGEON)).then_refused(UNSIGNED).then_rests_on(published)
    story.when(write(DOCTOR, USAGER)).then_refused(UNSIGNED)
    story.when(write(REMOTE_DOCTOR, DOCTOR)).then_accepted(ALLOWED)


def test_signing_is_each_holders_own(story: Story) -> None:
    story.given(PublishCgu(operator=GHT, version="2026"), SignCgu(mailbox=DOCTOR, version="2026"))
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)
    story.when(write(SURGEON, DOCTOR)).then_refused(UNSIGNED)


def test_a_version_without_a_deadline_is_in_force_at_once(story: Story) -> None:
    story.given(PublishCgu(at=NOW, operator=GHT, version="2026"))
    story.when(write(DOCTOR, SURGEON, at=NOW - INSTANT)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_refused(UNSIGNED)


def test_a_deadline_lasts_to_its_very_instant(story: Story) -> None:
    story.given(PublishCgu(at=NOW - DAY, operator=GHT, version="2026", deadline=NOW.isoformat()))
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=NOW + INSTANT)).then_refused(UNSIGNED)


def test_a_deadline_given_as_a_date_lasts_to_the_end_of_that_day(story: Story) -> None:
    story.given(PublishCgu(at=SINCE, operator=GHT, version="2026", deadline="2026-12-31"))
    story.when(write(DOCTOR, SURGEON, at=moment("2027-01-01") - INSTANT)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=moment("2027-01-01"))).then_refused(UNSIGNED)


def test_a_signature_counts_from_its_very_instant_on(story: Story) -> None:
    story.given(PublishCgu(at=NOW - DAY, operator=GHT, version="2026"), SignCgu(at=NOW, mailbox=DOCTOR, version="2026"))
    story.when(write(DOCTOR, SURGEON, at=NOW - INSTANT)).then_refused(UNSIGNED)
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_accepted(ALLOWED)


def test_a_signature_recorded_late_counts_from_its_own_date(story: Story) -> None:
    story.given(PublishCgu(at=NOW - 3 * DAY, operator=GHT, version="2026"))
    story.when(write(DOCTOR, SURGEON, at=NOW - DAY)).then_refused(UNSIGNED)
    story.given(SignCgu(at=NOW - 2 * DAY, mailbox=DOCTOR, version="2026"))
    story.when(write(DOCTOR, SURGEON, at=NOW - DAY)).then_accepted(ALLOWED)


def test_until_its_deadline_a_new_version_leaves_the_old_one_in_force(story: Story) -> None:
    story.given(
        PublishCgu(at=SINCE, operator=GHT, version="2025"),
        SignCgu(at=SINCE, mailbox=DOCTOR, version="2025"),
        PublishCgu(at=NOW - DAY, operator=GHT, version="2026", deadline=NOW.isoformat()),
    )
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_accepted(ALLOWED)
    story.when(write(SURGEON, DOCTOR, at=NOW)).then_refused(UNSIGNED)
    story.when(write(DOCTOR, SURGEON, at=NOW + INSTANT)).then_refused(UNSIGNED)


def test_who_signed_the_new_version_ahead_need_not_sign_the_old_one(story: Story) -> None:
    story.given(
        PublishCgu(at=SINCE, operator=GHT, version="2025"),
        PublishCgu(at=NOW - DAY, operator=GHT, version="2026", deadline="2026-12-31"),
        SignCgu(at=NOW, mailbox=DOCTOR, version="2026"),
    )
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=moment("2027-01-01"))).then_accepted(ALLOWED)


def test_an_older_version_signed_is_not_the_one_in_force(story: Story) -> None:
    story.given(
        PublishCgu(operator=GHT, version="2025"),
        PublishCgu(operator=GHT, version="2026"),
        SignCgu(mailbox=DOCTOR, version="2025"),
    )
    story.when(write(DOCTOR, SURGEON)).then_refused(UNSIGNED)


def test_a_deadline_may_be_moved(story: Story) -> None:
    story.given(
        PublishCgu(at=SINCE, operator=GHT, version="2026", deadline=(NOW - DAY).isoformat()),
        PublishCgu(at=NOW - DAY - INSTANT, operator=GHT, version="2026", deadline=NOW.isoformat()),
    )
    story.when(write(DOCTOR, SURGEON, at=NOW)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, SURGEON, at=NOW + INSTANT)).then_refused(UNSIGNED)


def test_a_moved_deadline_leaves_a_version_in_its_place(story: Story) -> None:
    story.given(
        PublishCgu(operator=GHT, version="2025"),
        PublishCgu(operator=GHT, version="2026"),
        PublishCgu(operator=GHT, version="2025", deadline="2026-01-01"),
        SignCgu(mailbox=DOCTOR, version="2025"),
    )
    story.when(write(DOCTOR, SURGEON)).then_refused(UNSIGNED)


def test_cgu_are_asked_of_hosted_domains_only(story: Story) -> None:
    story.given(AdmitDomain(domain=CABINET, operator=GHT), PublishCgu(operator=GHT, version="2026"))
    story.when(write(REMOTE_DOCTOR, SURGEON)).then_accepted(ALLOWED)


def test_under_a_new_operator_its_own_cgu_count(story: Story) -> None:
    story.given(
        PublishCgu(operator=GHT, version="1"),
        SignCgu(mailbox=DOCTOR, version="1"),
        *operator("autre-ght"),
        PublishCgu(operator="autre-ght", version="1"),
        AdmitDomain(domain=HOSPITAL, operator="autre-ght"),
    )
    story.when(write(DOCTOR, SURGEON)).then_refused(UNSIGNED)
    story.when(SignCgu(mailbox=DOCTOR, version="1")).then_recorded()
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)
    story.given(AdmitDomain(domain=HOSPITAL, operator=GHT))
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)


def test_a_hosted_usager_signs_like_any_holder_of_a_mailbox(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER), PublishCgu(operator=MES, version="2026"))
    story.when(write(USAGER, DOCTOR)).then_refused(UNSIGNED)
    story.when(write(DOCTOR, USAGER)).then_accepted("PROFESSIONNEL_TO_USAGER")
    story.given(SignCgu(mailbox=USAGER, version="2026"))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_an_unknown_mailbox_is_told_that_it_is_unknown(story: Story) -> None:
    story.given(PublishCgu(operator=GHT, version="2026"))
    story.when(write(NOBODY, DOCTOR)).then_refused("SENDER_UNKNOWN")


def test_by_option_having_signed_any_version_is_enough() -> None:
    story = Story(Options(cgu_signature="any-version")).given(
        *world(),
        PublishCgu(operator=GHT, version="2025"),
        PublishCgu(operator=GHT, version="2026"),
        SignCgu(mailbox=DOCTOR, version="2025"),
    )
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)
    story.when(write(SURGEON, DOCTOR)).then_refused(UNSIGNED)


def test_by_option_another_operators_version_is_not_enough() -> None:
    story = Story(Options(cgu_signature="any-version")).given(
        *world(),
        PublishCgu(operator=GHT, version="1"),
        SignCgu(mailbox=DOCTOR, version="1"),
        *operator("autre-ght"),
        AdmitDomain(domain=HOSPITAL, operator="autre-ght"),
    )
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)
    story.given(PublishCgu(operator="autre-ght", version="1"))
    story.when(write(DOCTOR, SURGEON)).then_refused(UNSIGNED)
