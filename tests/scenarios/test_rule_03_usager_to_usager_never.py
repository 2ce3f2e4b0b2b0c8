"""Rule 3: usager to usager never; professionnels exchange freely between admitted domains."""

import pytest

from huissier import AdmitDomain, OpenEns, Options
from huissier.adapters.testing.hospital import (
    DOCTOR,
    OTHER_USAGER,
    REMOTE_DOCTOR,
    SECRETARIAT,
    SURGEON,
    USAGER,
    corsican_ins,
    operator,
    reach,
    world,
    write,
)
from tests.scenarios.story import Story


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        (DOCTOR, SURGEON),
        (DOCTOR, SECRETARIAT),
        (SECRETARIAT, DOCTOR),
        (DOCTOR, DOCTOR),
        (DOCTOR, REMOTE_DOCTOR),
        (REMOTE_DOCTOR, DOCTOR),
        (REMOTE_DOCTOR, REMOTE_DOCTOR),
    ],
)
def test_professionnels_exchange_freely(story: Story, sender: str, recipient: str) -> None:
    story.when(write(sender, recipient)).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")


def test_professionnels_need_no_first_message_and_end_nothing_among_themselves(story: Story) -> None:
    story.given(write(DOCTOR, REMOTE_DOCTOR, subject="[FIN]", mss_mes="FIN", message_id="<fin@ch>", final_hop=True))
    story.when(write(REMOTE_DOCTOR, DOCTOR, in_reply_to="<fin@ch>")).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")


def test_a_professional_acceptance_rests_on_both_domains(story: Story) -> None:
    story.when(write(DOCTOR, REMOTE_DOCTOR)).then_rests_on(4, 8)


@pytest.mark.parametrize("hosted", [True, False], ids=["hosted", "remote"])
def test_a_usager_never_writes_to_a_usager(hosted: bool) -> None:
    story = Story().given(*world(hosted_patients=hosted))
    story.when(write(USAGER, OTHER_USAGER)).then_refused("USAGER_TO_USAGER").then_rests_on()


def test_not_even_to_oneself(story: Story) -> None:
    story.when(write(USAGER, USAGER)).then_refused("USAGER_TO_USAGER")


def test_no_option_and_no_contact_allows_it() -> None:
    story = Story(Options(co_recipients="all", fin_header="ends-contact", reopening=False)).given(*world())
    story.given(reach(DOCTOR, USAGER, OTHER_USAGER))
    story.when(write(USAGER, OTHER_USAGER, DOCTOR)).then_mixed()
    story.then_verdict(OTHER_USAGER, "USAGER_TO_USAGER").then_verdict(DOCTOR, "CONTACT_OPEN")


def test_usagers_are_whoever_stands_under_an_operator_of_kind_usager(story: Story) -> None:
    story.given(
        *operator("autre-espace", "usager"), AdmitDomain(domain="beneficiaires.mssante.fr", operator="autre-espace")
    )
    elsewhere = "quelqu.un@beneficiaires.mssante.fr"
    story.when(write(USAGER, elsewhere)).then_refused("USAGER_TO_USAGER")
    story.when(write(elsewhere, USAGER)).then_refused("USAGER_TO_USAGER")
    story.when(write(elsewhere, DOCTOR)).then_refused("CONTACT_NOT_OPENED")
    story.when(write(DOCTOR, elsewhere)).then_accepted("PROFESSIONNEL_TO_USAGER")


def test_the_national_usagers_domain_is_usagers_whoever_runs_it() -> None:
    story = Story().given(
        *world(hosted_patients=False), AdmitDomain(domain="patient.mssante.fr", operator="ght-exemple")
    )
    story.when(write(USAGER, OTHER_USAGER)).then_refused("USAGER_TO_USAGER")


def test_an_address_that_is_no_matricule_at_the_usagers_domain_is_a_usagers_too(story: Story) -> None:
    service = "reponse.automatique-test@patient.mssante.fr"
    story.when(write(USAGER, service)).then_refused("RECIPIENT_UNKNOWN", "USAGER_TO_USAGER")


def test_a_corsican_matricule_in_either_case_is_one_usager() -> None:
    story = Story().given(*world(), OpenEns(ins=corsican_ins(1)))
    corsican = f"{corsican_ins(1)}@patient.mssante.fr"
    story.given(reach(DOCTOR, corsican.lower()))
    story.when(write(corsican, DOCTOR)).then_accepted("CONTACT_OPEN")
