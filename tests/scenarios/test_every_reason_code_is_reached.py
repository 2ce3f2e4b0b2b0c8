"""One smallest scenario for each code of the closed table, and the table's order is the contract's."""

from collections.abc import Callable

import pytest

from huissier import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    DeleteMailbox,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    SuspendMailbox,
)
from huissier.adapters.testing.hospital import (
    CABINET_DN,
    DOCTOR,
    FOREIGN_DN,
    GHT,
    HOSPITAL,
    NOBODY,
    OTHER_USAGER,
    OUTSIDER,
    REMOTE_DOCTOR,
    SURGEON,
    USAGER,
    hospital_domain,
    hospital_mailboxes,
    ins,
    moment,
    reach,
    world,
    write,
)
from huissier.domain.reasons import ORDER, TABLE, Code
from huissier.domain.rules import RULES
from tests.scenarios.story import Story

PHARMACY = f"pharmacie@{HOSPITAL}"
NOT_CONTRACTED = [RegisterOperator(at=moment("2020-03-11"), operator=GHT, kind="professionnel")]


def in_the_world(command: AnyCommand, *given: AnyCommand) -> Callable[[], Story]:
    return lambda: Story().given(*world(), *given).when(command)


def alone(command: AnyCommand, *given: AnyCommand) -> Callable[[], Story]:
    return lambda: Story().given(*given).when(command)


REACHED: dict[Code, Callable[[], Story]] = {
    Code.PROFESSIONNEL_TO_PROFESSIONNEL: in_the_world(write(DOCTOR, SURGEON)),
    Code.PROFESSIONNEL_TO_USAGER: in_the_world(write(DOCTOR, USAGER)),
    Code.CONTACT_OPEN: in_the_world(write(USAGER, DOCTOR), reach(DOCTOR, USAGER)),
    Code.PHARMACY_OPEN_TO_USAGERS: in_the_world(
        write(USAGER, PHARMACY), CreateMailbox(address=PHARMACY, kind="ORG", secteur="SA33")
    ),
    Code.ADDRESS_INVALID: in_the_world(write(DOCTOR, "nobody")),
    Code.SENDER_DOMAIN_NOT_ADMITTED: in_the_world(write(OUTSIDER, DOCTOR)),
    Code.RECIPIENT_DOMAIN_NOT_ADMITTED: in_the_world(write(DOCTOR, OUTSIDER)),
    Code.CERTIFICATE_NOT_ADMITTED: in_the_world(write(REMOTE_DOCTOR, DOCTOR, certificate_dn=FOREIGN_DN)),
    Code.SENDER_UNKNOWN: in_the_world(write(NOBODY, DOCTOR)),
    Code.RECIPIENT_UNKNOWN: in_the_world(write(DOCTOR, NOBODY)),
    Code.SENDER_DELETED: in_the_world(write(DOCTOR, SURGEON), DeleteMailbox(address=DOCTOR)),
    Code.RECIPIENT_DELETED: in_the_world(write(DOCTOR, SURGEON), DeleteMailbox(address=SURGEON)),
    Code.SENDER_SUSPENDED: in_the_world(write(DOCTOR, SURGEON), SuspendMailbox(address=DOCTOR)),
    Code.RECIPIENT_SUSPENDED: in_the_world(write(DOCTOR, SURGEON), SuspendMailbox(address=SURGEON)),
    Code.OPERATOR_NOT_CONTRACTED: alone(
        write(DOCTOR, SURGEON), *NOT_CONTRACTED, hospital_domain(), *hospital_mailboxes()
    ),
    Code.OPERATOR_NOT_COMMITTED: in_the_world(write(DOCTOR, USAGER, at=moment("2021-05-25"))),
    Code.CGU_NOT_SIGNED: in_the_world(write(DOCTOR, SURGEON), PublishCgu(operator=GHT, version="1")),
    Code.USAGER_TO_USAGER: in_the_world(write(USAGER, OTHER_USAGER)),
    Code.CONTACT_NOT_OPENED: in_the_world(write(USAGER, DOCTOR)),
    Code.CONTACT_ENDED: in_the_world(write(USAGER, DOCTOR), reach(DOCTOR, USAGER, subject="[FIN]")),
    Code.REPLY_NOT_ALLOWED: in_the_world(
        write(USAGER, DOCTOR, in_reply_to="<1@ch>"),
        reach(DOCTOR, USAGER),
        reach(DOCTOR, USAGER, mss_mes="FIN", message_id="<1@ch>"),
    ),
    Code.MIXED_RECIPIENTS: in_the_world(write(DOCTOR, SURGEON, USAGER, at=moment("2021-06-09"))),
    Code.MESSAGE_TOO_LARGE: in_the_world(write(DOCTOR, USAGER, size=25_000_001)),
    Code.OTHER_RECIPIENT_REFUSED: in_the_world(write(DOCTOR, SURGEON, OUTSIDER, stage="end-of-message")),
    Code.ALREADY_EXISTS: in_the_world(RegisterOperator(operator=GHT, kind="usager")),
    Code.NOT_FOUND: alone(PublishCgu(operator=GHT, version="1")),
    Code.INS_INVALID: alone(OpenEns(ins="1")),
    Code.DOMAIN_NOT_HOSTED: alone(OpenEns(ins=ins(1))),
    Code.NOT_ALLOWED_IN_STATE: in_the_world(SuspendMailbox(address=DOCTOR), DeleteMailbox(address=DOCTOR)),
}

# Copied from DESIGN.md, "Reason codes"; MIXED_RECIPIENTS came later and stands before MESSAGE_TOO_LARGE, and
# OTHER_RECIPIENT_REFUSED, which rests on the verdicts of others, behind it.
ACCEPTANCES = ["PROFESSIONNEL_TO_PROFESSIONNEL", "PROFESSIONNEL_TO_USAGER", "CONTACT_OPEN", "PHARMACY_OPEN_TO_USAGERS"]
REFUSALS_OF_THE_CONTRACT = [
    "ADDRESS_INVALID",
    "SENDER_DOMAIN_NOT_ADMITTED",
    "RECIPIENT_DOMAIN_NOT_ADMITTED",
    "CERTIFICATE_NOT_ADMITTED",
    "SENDER_UNKNOWN",
    "RECIPIENT_UNKNOWN",
    "SENDER_DELETED",
    "RECIPIENT_DELETED",
    "SENDER_SUSPENDED",
    "RECIPIENT_SUSPENDED",
    "OPERATOR_NOT_CONTRACTED",
    "OPERATOR_NOT_COMMITTED",
    "CGU_NOT_SIGNED",
    "USAGER_TO_USAGER",
    "CONTACT_NOT_OPENED",
    "CONTACT_ENDED",
    "REPLY_NOT_ALLOWED",
    "MESSAGE_TOO_LARGE",
]
REFUSALS = [*REFUSALS_OF_THE_CONTRACT[:-1], "MIXED_RECIPIENTS", "MESSAGE_TOO_LARGE", "OTHER_RECIPIENT_REFUSED"]
REJECTIONS = ["ALREADY_EXISTS", "NOT_FOUND", "INS_INVALID", "DOMAIN_NOT_HOSTED", "NOT_ALLOWED_IN_STATE"]


@pytest.mark.parametrize("code", REACHED)
def test_a_code_is_reached_alone(code: Code) -> None:
    story = REACHED[code]()
    match TABLE[code].kind:
        case "acceptance":
            story.then_accepted(code)
        case "rejection":
            story.then_rejected(code)
        case "refusal":
            codes = {reason.code for reason in story.answer.verdicts[0].reasons}
            assert codes == {code}, story.answer
            story.then_verdict(story.answer.verdicts[0].recipient, code)


def test_no_code_of_the_table_is_missing_here() -> None:
    assert REACHED.keys() == TABLE.keys() == set(Code)


def test_the_table_is_in_the_order_of_the_contract() -> None:
    assert list(TABLE) == list(ORDER) == [*ACCEPTANCES, *REFUSALS, *REJECTIONS]
    assert [entry.code for entry in TABLE.values() if entry.kind == "acceptance"] == ACCEPTANCES
    assert [entry.code for entry in TABLE.values() if entry.kind == "refusal"] == REFUSALS
    assert [entry.code for entry in TABLE.values() if entry.kind == "rejection"] == REJECTIONS


def test_the_rules_are_asked_in_the_order_of_the_contract() -> None:
    assert [*(code for code, _ in RULES), Code.OTHER_RECIPIENT_REFUSED] == REFUSALS


@pytest.mark.parametrize("code", Code)
def test_an_entry_is_complete_and_bilingual(code: Code) -> None:
    entry = TABLE[code]
    assert entry.code == code
    assert all(text.strip() == text and text for text in (entry.requirement, entry.fr, entry.en))
    assert entry.fr.endswith(".")
    assert entry.en.endswith(".")
    assert entry.fr != entry.en
    assert (entry.remedy is None) == (entry.kind == "acceptance")


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_can_be_said_in_smtp(code: str) -> None:
    smtp = TABLE[Code(code)].smtp
    assert smtp is not None
    assert smtp.startswith(f"550 5.7.1 {code} ")
    assert smtp.isascii()
    assert smtp.isprintable()
    assert len(smtp) <= 510  # RFC 5321, 4.5.3.1.5: a reply line, its CRLF aside


@pytest.mark.parametrize("code", [*ACCEPTANCES, *REJECTIONS])
def test_what_is_no_refusal_has_no_smtp_reply(code: str) -> None:
    assert TABLE[Code(code)].smtp is None


def test_a_message_against_which_nearly_everything_stands_gets_every_reason_in_order() -> None:
    story = Story().given(
        RegisterOperator(at=moment("2020-03-11"), operator=GHT, kind="usager"),
        hospital_domain(),
        *hospital_mailboxes(),
        AdmitDomain(at=moment("2020-03-11"), domain="other.mssante.fr", operator=GHT, hosted=True),
        PublishCgu(at=moment("2020-03-11"), operator=GHT, version="1"),
        SuspendMailbox(address=DOCTOR),
        DeleteMailbox(address=SURGEON),
    )
    story.when(write(DOCTOR, SURGEON, size=25_000_001, certificate_dn=CABINET_DN)).then_refused(
        "CERTIFICATE_NOT_ADMITTED",
        "RECIPIENT_DELETED",
        "SENDER_SUSPENDED",
        "OPERATOR_NOT_CONTRACTED",
        "OPERATOR_NOT_COMMITTED",
        "CGU_NOT_SIGNED",
        "USAGER_TO_USAGER",
        "MESSAGE_TOO_LARGE",
    )
