"""Rule 8: both domains in the white list, and the peer's certificate paired with the sender's domain."""

import pytest

from huissier import AdmitDomain, Options, WithdrawDomain
from huissier.adapters.testing.hospital import (
    CABINET,
    CABINET_DN,
    DAY,
    DOCTOR,
    FOREIGN_DN,
    GHT,
    HOSPITAL,
    HOSPITAL_DN,
    INSTANT,
    NOW,
    OUTSIDER,
    PATIENTS,
    REMOTE_DOCTOR,
    SINCE,
    SURGEON,
    USAGER,
    operator,
    reach,
    world,
    write,
)
from tests.scenarios.story import Story

SENDER, RECIPIENT = "SENDER_DOMAIN_NOT_ADMITTED", "RECIPIENT_DOMAIN_NOT_ADMITTED"
ALLOWED, CERTIFICATE = "PROFESSIONNEL_TO_PROFESSIONNEL", "CERTIFICATE_NOT_ADMITTED"


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


def test_a_domain_that_was_never_admitted_neither_sends_nor_receives(story: Story) -> None:
    story.when(write(OUTSIDER, DOCTOR)).then_refused(SENDER).then_rests_on()
    story.when(write(DOCTOR, OUTSIDER)).then_refused(RECIPIENT).then_rests_on()
    story.when(write(OUTSIDER, OUTSIDER)).then_refused(SENDER, RECIPIENT)
    story.when(write(OUTSIDER, USAGER)).then_refused(SENDER)


@pytest.mark.parametrize("domain", ["mssante.fr", "sous.ch-exemple.mssante.fr", "ch-exemple.mssante.fr.example.org"])
def test_a_domain_above_below_or_around_an_admitted_one_is_another(story: Story, domain: str) -> None:
    story.when(write(f"dr.martin@{domain}", DOCTOR)).then_refused(SENDER)


def test_a_domain_is_admitted_from_its_very_instant_on(story: Story) -> None:
    story.given(AdmitDomain(at=NOW, domain="example.org"))
    story.when(write(OUTSIDER, DOCTOR, at=NOW - INSTANT)).then_refused(SENDER)
    story.when(write(OUTSIDER, DOCTOR, at=NOW)).then_accepted(ALLOWED)


def test_a_domain_admitted_late_counts_from_its_own_date(story: Story) -> None:
    story.when(write(OUTSIDER, DOCTOR, at=NOW - DAY)).then_refused(SENDER)
    story.given(AdmitDomain(at=NOW - 2 * DAY, domain="example.org"))
    story.when(write(OUTSIDER, DOCTOR, at=NOW - DAY)).then_accepted(ALLOWED)


def test_a_withdrawn_domain_is_refused_at_once(story: Story) -> None:
    story.when(WithdrawDomain(at=NOW, domain=CABINET)).then_recorded()
    withdrawal = story.answer.position
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW - INSTANT)).then_accepted(ALLOWED)
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW)).then_refused(SENDER).then_rests_on(withdrawal)
    story.when(write(DOCTOR, REMOTE_DOCTOR, at=NOW)).then_refused(RECIPIENT).then_rests_on(withdrawal)


def test_a_domain_withdrawn_late_counts_from_its_own_date(story: Story) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW - DAY)).then_accepted(ALLOWED)
    story.given(WithdrawDomain(at=NOW - 2 * DAY, domain=CABINET))
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW - DAY)).then_refused(SENDER)


def test_a_domain_admitted_again_keeps_its_history(story: Story) -> None:
    story.given(reach(REMOTE_DOCTOR, USAGER), WithdrawDomain(at=NOW + DAY, domain=CABINET))
    story.when(write(USAGER, REMOTE_DOCTOR, at=NOW + DAY)).then_refused(RECIPIENT)
    story.given(AdmitDomain(at=NOW + 2 * DAY, domain=CABINET))
    story.when(write(USAGER, REMOTE_DOCTOR, at=NOW + 2 * DAY)).then_accepted("CONTACT_OPEN")


def test_a_hosted_domain_admitted_again_is_still_hosted_by_its_operator(story: Story) -> None:
    story.given(WithdrawDomain(domain=HOSPITAL), AdmitDomain(domain=HOSPITAL))
    story.when(write(DOCTOR, SURGEON)).then_accepted(ALLOWED)
    story.when(write(f"dr.inconnu@{HOSPITAL}", SURGEON)).then_refused("SENDER_UNKNOWN")


def test_a_domain_changes_operator_without_changing_identity(story: Story) -> None:
    story.given(*operator("autre-ght"), reach(DOCTOR, USAGER), AdmitDomain(domain=HOSPITAL, operator="autre-ght"))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
    story.when(write(DOCTOR, USAGER)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_every_reason_is_named_when_the_usagers_domain_is_withdrawn(story: Story) -> None:
    story.given(WithdrawDomain(domain=PATIENTS))
    story.when(write(DOCTOR, USAGER)).then_refused(RECIPIENT)
    story.when(write(USAGER, DOCTOR)).then_refused(SENDER, "CONTACT_NOT_OPENED")


@pytest.mark.parametrize("days", [1, 30])
def test_by_option_a_withdrawn_domain_counts_for_a_grace_period(days: int) -> None:
    story = Story(Options(withdrawal_grace_days=days)).given(*world(), WithdrawDomain(at=NOW, domain=CABINET))
    last = NOW + days * DAY - INSTANT
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=last, certificate_dn=CABINET_DN)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, REMOTE_DOCTOR, at=last)).then_accepted(ALLOWED)
    story.when(write(DOCTOR, REMOTE_DOCTOR, at=last + INSTANT)).then_refused(RECIPIENT)
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=last + INSTANT, certificate_dn=CABINET_DN))
    story.then_refused(SENDER, CERTIFICATE)


def test_by_option_a_withdrawn_certificate_counts_for_a_grace_period() -> None:
    story = Story(Options(withdrawal_grace_days=1)).given(
        *world(),
        AdmitDomain(at=SINCE, domain=CABINET, certificate_dns=[FOREIGN_DN]),
        WithdrawDomain(at=NOW, domain=CABINET, certificate_dns=[CABINET_DN]),
    )
    last = NOW + DAY - INSTANT
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=last, certificate_dn=CABINET_DN)).then_accepted(ALLOWED)
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=last + INSTANT, certificate_dn=CABINET_DN)).then_refused(CERTIFICATE)


def test_a_grace_period_is_of_no_help_to_a_domain_never_admitted() -> None:
    story = Story(Options(withdrawal_grace_days=3650)).given(*world())
    story.when(write(OUTSIDER, DOCTOR, certificate_dn=FOREIGN_DN)).then_refused(SENDER, CERTIFICATE)


def test_where_the_certificate_is_not_known_it_is_not_asked_for(story: Story) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR)).then_accepted(ALLOWED)


@pytest.mark.parametrize(
    "spelling",
    [
        CABINET_DN,
        "C=FR,O=CABINET EXEMPLE,CN=mss.cabinet.fr",
        "c=fr, o=cabinet exemple, cn=MSS.CABINET.FR",
        "/C=FR/O=CABINET EXEMPLE/CN=mss.cabinet.fr",
        'CN="mss.cabinet.fr";O="Cabinet  Exemple";C=FR',
        "2.5.4.3=mss.cabinet.fr,2.5.4.10=CABINET EXEMPLE,2.5.4.6=FR",
    ],
)
def test_the_paired_certificate_is_recognised_however_it_is_written(story: Story, spelling: str) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=spelling)).then_accepted(ALLOWED)


@pytest.mark.parametrize(
    "dn",
    [
        FOREIGN_DN,
        HOSPITAL_DN,
        "CN=mss.cabinet.fr",
        f"{CABINET_DN},OU=more",
        "not a name",
        "",
        "CN=",
        "/",
        "/nonsense",
        "CN=mss.cabinet.fr,O=CABINET EXEMPLE,C=FR\\",
    ],
)
def test_any_other_or_unreadable_certificate_is_refused(story: Story, dn: str) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=dn)).then_refused(CERTIFICATE).then_rests_on(8)


def test_the_certificate_is_the_senders_and_not_the_recipients(story: Story) -> None:
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=HOSPITAL_DN)).then_refused(CERTIFICATE)
    story.when(write(DOCTOR, REMOTE_DOCTOR, certificate_dn=HOSPITAL_DN)).then_accepted(ALLOWED)


def test_a_domain_without_certificates_is_paired_with_none(story: Story) -> None:
    story.when(write(USAGER, DOCTOR, certificate_dn=FOREIGN_DN)).then_refused(CERTIFICATE, "CONTACT_NOT_OPENED")


def test_domains_and_certificates_are_many_to_many(story: Story) -> None:
    story.given(AdmitDomain(domain="cabinet2.mssante.fr", certificate_dns=[CABINET_DN, FOREIGN_DN]))
    for dn in (CABINET_DN, FOREIGN_DN):
        story.when(write("dr.b@cabinet2.mssante.fr", DOCTOR, certificate_dn=dn)).then_accepted(ALLOWED)
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=FOREIGN_DN)).then_refused(CERTIFICATE)


def test_certificates_are_added_to_those_a_domain_has(story: Story) -> None:
    story.given(AdmitDomain(at=NOW, domain=CABINET, certificate_dns=[FOREIGN_DN]))
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW - INSTANT, certificate_dn=FOREIGN_DN)).then_refused(CERTIFICATE)
    for dn in (CABINET_DN, FOREIGN_DN):
        story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW, certificate_dn=dn)).then_accepted(ALLOWED)


def test_a_withdrawn_certificate_is_refused_and_the_domain_stays(story: Story) -> None:
    story.given(
        AdmitDomain(domain=CABINET, certificate_dns=[FOREIGN_DN]),
        WithdrawDomain(domain=CABINET, certificate_dns=[f"  {CABINET_DN.lower()}  "]),
    )
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=CABINET_DN)).then_refused(CERTIFICATE)
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=FOREIGN_DN)).then_accepted(ALLOWED)


def test_with_its_last_certificate_the_domain_leaves(story: Story) -> None:
    story.given(WithdrawDomain(domain=CABINET, certificate_dns=[CABINET_DN]))
    story.when(write(REMOTE_DOCTOR, DOCTOR)).then_refused(SENDER)


def test_a_domain_admitted_again_is_not_paired_with_its_old_certificate(story: Story) -> None:
    story.given(WithdrawDomain(domain=CABINET), AdmitDomain(domain=CABINET, certificate_dns=[FOREIGN_DN]))
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=CABINET_DN)).then_refused(CERTIFICATE)
    story.given(AdmitDomain(domain=CABINET, certificate_dns=[CABINET_DN]))
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=CABINET_DN)).then_accepted(ALLOWED)


def test_the_operator_of_a_domain_may_be_named_later(story: Story) -> None:
    story.given(AdmitDomain(domain=CABINET, operator=GHT))
    story.when(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=CABINET_DN)).then_accepted(ALLOWED)


def test_what_an_admission_said_again_stands_against_a_late_one_before_it(story: Story) -> None:
    story.given(
        *operator("uncommitted", annexe_2=None),
        AdmitDomain(at=NOW, domain=HOSPITAL, operator=GHT, certificate_dns=[HOSPITAL_DN, FOREIGN_DN], hosted=True),
        AdmitDomain(at=NOW - 2 * DAY, domain=HOSPITAL, operator="uncommitted"),
        WithdrawDomain(at=NOW - DAY, domain=HOSPITAL, certificate_dns=[HOSPITAL_DN]),
    )
    story.when(write(DOCTOR, USAGER, at=NOW - INSTANT, certificate_dn=HOSPITAL_DN))
    story.then_refused(SENDER, CERTIFICATE, "OPERATOR_NOT_COMMITTED")
    story.when(write(DOCTOR, USAGER, at=NOW, certificate_dn=HOSPITAL_DN)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_by_option_the_grace_period_runs_from_the_first_withdrawal_though_it_came_late() -> None:
    story = Story(Options(withdrawal_grace_days=2)).given(
        *world(), WithdrawDomain(at=NOW, domain=CABINET), WithdrawDomain(at=NOW - DAY, domain=CABINET)
    )
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW + DAY - INSTANT)).then_accepted(ALLOWED)
    story.when(write(REMOTE_DOCTOR, DOCTOR, at=NOW + DAY)).then_refused(SENDER)
