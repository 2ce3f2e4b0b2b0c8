"""Rule 11: exchanges with usagers need an operator committed to 1.4; professional mail continues without."""

from datetime import datetime

import pytest

from huissier import AdmitDomain, AnyCommand, Options, RegisterOperator, SignInstrument
from huissier.adapters.testing.hospital import (
    CABINET,
    DOCTOR,
    GHT,
    HOSPITAL,
    INSTANT,
    MES,
    NOW,
    PATIENTS,
    REMOTE_DOCTOR,
    SINCE,
    SURGEON,
    USAGER,
    cabinet,
    hospital_domain,
    hospital_mailboxes,
    moment,
    operator,
    patients,
    reach,
    world,
    write,
)
from tests.scenarios.story import Story

UNCOMMITTED, UNCONTRACTED = "OPERATOR_NOT_COMMITTED", "OPERATOR_NOT_CONTRACTED"
TO_PROFESSIONNEL, TO_USAGER = "PROFESSIONNEL_TO_PROFESSIONNEL", "PROFESSIONNEL_TO_USAGER"
DEADLINE = moment("2021-11-26")
BEFORE_AVENANT = moment("2020-02-01")
LONG_AGO = moment("2016-09-15")


def hospital_of(*signed: AnyCommand, options: Options | None = None) -> Story:
    """A hospital whose operator signed only this."""
    story = Story(options).given(RegisterOperator(at=LONG_AGO, operator=GHT, kind="professionnel"), *signed)
    return story.given(hospital_domain(), *hospital_mailboxes(), cabinet(), *patients())


def contrat(at: datetime = SINCE) -> SignInstrument:
    return SignInstrument(at=at, operator=GHT, instrument="contrat")


def avenant(at: datetime = SINCE) -> SignInstrument:
    return SignInstrument(at=at, operator=GHT, instrument="avenant-1-02-2020")


def annexe_2(version: str = "1.4", at: datetime = SINCE) -> SignInstrument:
    return SignInstrument(at=at, operator=GHT, instrument="annexe-2", referentiel=version)


def test_a_committed_operator_exchanges_with_usagers() -> None:
    story = hospital_of(contrat(), annexe_2())
    story.when(write(DOCTOR, USAGER)).then_accepted(TO_USAGER)
    story.given(reach(DOCTOR, USAGER))
    story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")


def test_an_uncommitted_operator_keeps_professional_mail_only() -> None:
    story = hospital_of(contrat())
    story.when(write(DOCTOR, SURGEON, REMOTE_DOCTOR)).then_accepted(TO_PROFESSIONNEL)
    story.when(write(DOCTOR, USAGER)).then_refused(UNCOMMITTED).then_rests_on(1, 2, 3)
    story.when(write(USAGER, DOCTOR)).then_refused(UNCOMMITTED, "CONTACT_NOT_OPENED")


def test_an_operator_without_a_contrat_exchanges_with_nobody() -> None:
    story = hospital_of(annexe_2(), avenant())
    story.when(write(DOCTOR, SURGEON)).then_refused(UNCONTRACTED)
    story.when(write(REMOTE_DOCTOR, SURGEON)).then_refused(UNCONTRACTED)
    story.when(write(DOCTOR, USAGER)).then_refused(UNCONTRACTED, UNCOMMITTED)


def test_a_hosted_domain_without_an_operator_has_none_that_signed() -> None:
    story = Story().given(AdmitDomain(at=SINCE, domain=HOSPITAL, hosted=True), *hospital_mailboxes(), *patients())
    story.when(write(DOCTOR, SURGEON)).then_refused(UNCONTRACTED).then_rests_on(1)
    story.when(write(DOCTOR, USAGER)).then_refused(UNCONTRACTED, UNCOMMITTED)


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("1.4", True),
        ("1.4.0", True),
        ("1.4.1", True),
        ("1.10", True),
        ("2", True),
        ("2.0", True),
        ("1.3", False),
        ("1.3.1", False),
        ("1.3.99", False),
        ("1.0", False),
        ("0", False),
        ("1", False),
    ],
)
def test_annexe_2_counts_for_version_1_4_or_later(version: str, enough: bool) -> None:
    story = hospital_of(contrat(), annexe_2(version)).when(write(DOCTOR, USAGER))
    if enough:
        story.then_accepted(TO_USAGER)
    else:
        story.then_refused(UNCOMMITTED)


def test_annexe_2_for_an_older_version_beside_the_right_one_does_no_harm() -> None:
    hospital_of(contrat(), annexe_2("1.3"), annexe_2("1.4"), annexe_2("1.2")).when(write(DOCTOR, USAGER)).then_accepted(
        TO_USAGER
    )


def test_who_was_in_the_space_before_needs_the_avenant_too() -> None:
    old = contrat(BEFORE_AVENANT - INSTANT)
    hospital_of(old, annexe_2()).when(write(DOCTOR, USAGER)).then_refused(UNCOMMITTED)
    hospital_of(old, annexe_2(), avenant()).when(write(DOCTOR, USAGER)).then_accepted(TO_USAGER)
    hospital_of(old, avenant()).when(write(DOCTOR, USAGER)).then_refused(UNCOMMITTED)


def test_who_signed_the_contrat_on_the_first_of_february_2020_needs_no_avenant() -> None:
    hospital_of(contrat(BEFORE_AVENANT), annexe_2()).when(write(DOCTOR, USAGER)).then_accepted(TO_USAGER)


def test_by_option_the_avenant_is_asked_of_contrats_before_another_date() -> None:
    earlier = Options(avenant_for_contracts_before=moment("2016-01-01"))
    hospital_of(contrat(LONG_AGO), annexe_2(), options=earlier).when(write(DOCTOR, USAGER)).then_accepted(TO_USAGER)
    later = Options(avenant_for_contracts_before=SINCE + INSTANT)
    hospital_of(contrat(SINCE), annexe_2(), options=later).when(write(DOCTOR, USAGER)).then_refused(UNCOMMITTED)


def test_it_is_the_first_contrat_that_tells_who_was_in_the_space_before() -> None:
    story = hospital_of(contrat(SINCE), annexe_2())
    story.when(contrat(LONG_AGO)).then_recorded()
    story.when(write(DOCTOR, USAGER)).then_refused(UNCOMMITTED)


def test_every_signature_counts_from_its_very_instant_on() -> None:
    story = hospital_of(contrat(), annexe_2(at=NOW))
    story.when(write(DOCTOR, USAGER, at=NOW - INSTANT)).then_refused(UNCOMMITTED)
    story.when(write(DOCTOR, USAGER, at=NOW)).then_accepted(TO_USAGER)
    late = hospital_of(contrat(NOW), annexe_2())
    late.when(write(DOCTOR, SURGEON, at=NOW - INSTANT)).then_refused(UNCONTRACTED)
    late.when(write(DOCTOR, SURGEON, at=NOW)).then_accepted(TO_PROFESSIONNEL)


def test_a_signature_recorded_late_counts_from_its_own_date() -> None:
    story = hospital_of(contrat())
    story.when(write(DOCTOR, USAGER, at=NOW - INSTANT)).then_refused(UNCOMMITTED)
    story.given(annexe_2(at=NOW - INSTANT))
    story.when(write(DOCTOR, USAGER, at=NOW - INSTANT)).then_accepted(TO_USAGER)


def test_both_ends_must_be_committed_where_both_are_hosted() -> None:
    story = Story().given(
        *operator(),
        hospital_domain(),
        *hospital_mailboxes(),
        *operator(MES, "usager", annexe_2=None),
        AdmitDomain(at=SINCE, domain=PATIENTS, operator=MES, hosted=True),
        *patients()[-2:],
    )
    story.when(write(DOCTOR, USAGER)).then_refused(UNCOMMITTED).then_rests_on(8, 9, 10)


@pytest.mark.parametrize("annexe", [None, "1.4"])
def test_of_a_remote_domain_its_admission_is_the_evidence(annexe: str | None) -> None:
    story = Story().given(
        *world(),
        *operator("cabinet-op", contrat=False, annexe_2=annexe),
        AdmitDomain(domain=CABINET, operator="cabinet-op"),
    )
    story.when(write(REMOTE_DOCTOR, USAGER)).then_accepted(TO_USAGER)
    story.when(write(REMOTE_DOCTOR, DOCTOR)).then_accepted(TO_PROFESSIONNEL)


def test_a_new_operator_of_a_domain_brings_its_own_signatures() -> None:
    story = Story().given(
        *world(), *operator("autre-ght", annexe_2=None), AdmitDomain(domain=HOSPITAL, operator="autre-ght")
    )
    story.when(write(DOCTOR, USAGER)).then_refused(UNCOMMITTED)
    story.when(write(DOCTOR, SURGEON)).then_accepted(TO_PROFESSIONNEL)


def test_by_default_professional_mail_continues_past_the_deadline() -> None:
    hospital_of(contrat()).when(write(DOCTOR, SURGEON, at=NOW)).then_accepted(TO_PROFESSIONNEL)


def test_by_option_an_uncommitted_operator_loses_all_mail_past_the_deadline() -> None:
    story = hospital_of(contrat(), options=Options(uncommitted_operators="no-mail"))
    story.when(write(DOCTOR, SURGEON, at=DEADLINE - INSTANT)).then_accepted(TO_PROFESSIONNEL)
    story.when(write(DOCTOR, SURGEON, at=DEADLINE)).then_refused(UNCOMMITTED)
    story.when(write(REMOTE_DOCTOR, SURGEON, at=DEADLINE)).then_refused(UNCOMMITTED)
    story.when(write(DOCTOR, USAGER, at=DEADLINE - INSTANT)).then_refused(UNCOMMITTED)


def test_by_option_a_committed_operator_loses_nothing() -> None:
    story = hospital_of(contrat(), annexe_2(), options=Options(uncommitted_operators="no-mail"))
    story.when(write(DOCTOR, SURGEON, REMOTE_DOCTOR)).then_accepted(TO_PROFESSIONNEL)
    story.when(write(REMOTE_DOCTOR, f"dr.b@{CABINET}")).then_accepted(TO_PROFESSIONNEL)
