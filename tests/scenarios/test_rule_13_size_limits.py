"""Rule 13: 25 MB in total to the usagers' domain; limits are per destination domain, in the rule set."""

import pytest
from msgspec.structs import replace

from huissier import AdmitDomain
from huissier.adapters.testing.hospital import (
    CABINET,
    DOCTOR,
    HOSPITAL,
    NOW,
    OTHER_USAGER,
    PATIENTS,
    REMOTE_DOCTOR,
    SURGEON,
    USAGER,
    operator,
    reach,
    world,
    write,
)
from huissier.domain.events import DomainAdmitted, MessageDecided
from huissier.domain.facts import Facts
from huissier.domain.identities import Identities, addresses_in
from huissier.domain.message import decide_message
from huissier.domain.needs import needs
from huissier.domain.rule_set import SHIPPED
from huissier.domain.tags import tags_of
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.address import MailboxAddress
from tests.scenarios.story import Story

LIMIT = 25_000_000


@pytest.fixture
def story() -> Story:
    return Story().given(*world())


@pytest.mark.parametrize("size", [None, 0, 1, LIMIT])
def test_up_to_the_limit_a_message_goes_to_usagers(story: Story, size: int | None) -> None:
    story.when(write(DOCTOR, USAGER, size=size)).then_accepted("PROFESSIONNEL_TO_USAGER")


@pytest.mark.parametrize("size", [LIMIT + 1, 10**12])
def test_one_byte_above_it_does_not(story: Story, size: int) -> None:
    story.when(write(DOCTOR, USAGER, size=size)).then_refused("MESSAGE_TOO_LARGE").then_rests_on()


def test_among_professionnels_there_is_no_limit(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, REMOTE_DOCTOR, size=10**12)).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")


def test_from_usagers_to_professionnels_there_is_no_limit(story: Story) -> None:
    story.given(reach(DOCTOR, USAGER)).when(write(USAGER, DOCTOR, size=LIMIT + 1)).then_accepted("CONTACT_OPEN")


def test_a_large_message_is_refused_for_the_usagers_alone(story: Story) -> None:
    story.when(write(DOCTOR, SURGEON, USAGER, size=LIMIT + 1)).then_mixed()
    story.then_verdict(SURGEON, "PROFESSIONNEL_TO_PROFESSIONNEL").then_verdict(USAGER, "MESSAGE_TOO_LARGE")


def test_the_limit_holds_for_every_usagers_domain(story: Story) -> None:
    story.given(*operator("autre-espace", "usager"), AdmitDomain(domain="usagers.mssante.fr", operator="autre-espace"))
    story.when(write(DOCTOR, "quelqu.un@usagers.mssante.fr", size=LIMIT + 1)).then_refused("MESSAGE_TOO_LARGE")


def test_the_size_is_the_last_reason_named(story: Story) -> None:
    story.when(write(USAGER, OTHER_USAGER, size=LIMIT + 1)).then_refused("USAGER_TO_USAGER", "MESSAGE_TOO_LARGE")


@pytest.mark.parametrize(
    ("recipient", "size", "refused"),
    [
        (REMOTE_DOCTOR, 1000, False),
        (REMOTE_DOCTOR, 1001, True),
        ("usager@patient.mssante.fr", LIMIT + 1, False),
        ("usager@patient.mssante.fr", 30_000_000, False),
        ("usager@patient.mssante.fr", 30_000_001, True),
        (f"dr.b@{HOSPITAL}", 10**12, False),
    ],
)
def test_a_domains_own_limit_comes_before_the_general_one(recipient: str, size: int, refused: bool) -> None:
    decided = _decided_with_limits({CABINET: 1000, PATIENTS: 30_000_000}, recipient, size)
    codes = [reason.code for verdict in decided.verdicts for reason in verdict.reasons]
    assert ("MESSAGE_TOO_LARGE" in codes) == refused


def _decided_with_limits(limits: dict[str, int], recipient: str, size: int) -> MessageDecided:
    """Decide a remote professionnel's message under a rule set with limits of its own."""
    command = write(f"dr.a@{HOSPITAL}", recipient, size=size)
    addresses = {raw: MailboxAddress.parse(raw) for raw in addresses_in(command)}
    identities = Identities(addresses=addresses, submission=command.id)
    facts = Facts()
    for missing in needs([(command, identities)], facts):
        facts.learn(missing)
        for position, domain in enumerate((HOSPITAL, CABINET, PATIENTS), 1):
            admitted = DomainAdmitted(at=NOW, domain=domain)
            facts.add(set(missing) & set(tags_of(admitted)), Fact(NOW, position, admitted))
    return decide_message(command, identities, NOW, facts, replace(SHIPPED[-1], size_limits=limits))
