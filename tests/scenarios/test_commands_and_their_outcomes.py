"""Every command of the contract but submissions, with every outcome it can have: given, when, outcome."""

from typing import NamedTuple, get_args

import pytest

from huissier import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    Options,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
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
    NOBODY,
    NOW,
    OUTSIDER,
    PATIENTS,
    REMOTE_DOCTOR,
    SECRETARIAT,
    SINCE,
    STRANGER,
    SURGEON,
    USAGER,
    ins,
    lost,
    reach,
    received,
    usager,
    world,
    write,
)
from huissier.domain.commands import OtherCommand
from tests.scenarios.story import Story

RECORDED, UNCHANGED = "recorded", "unchanged"
BEFORE = SINCE - INSTANT
WRONG_KEY = f"{ins(1)[:13]}{98 - int(ins(1)[13:]):02}"
DOCTOR_AGAIN = CreateMailbox(address=DOCTOR, kind="PER", rpps="10000000001")


class Case(NamedTuple):
    """A sentence, what is asked, what comes of it, and what stands there besides the world."""

    sentence: str
    command: AnyCommand
    outcome: str
    given: tuple[AnyCommand, ...] = ()


def annexe_2(version: str) -> SignInstrument:
    return SignInstrument(operator=GHT, instrument="annexe-2", referentiel=version)


OPERATORS = [
    Case("a new operator registers", RegisterOperator(operator="new", kind="usager", name="Nouveau"), RECORDED),
    Case("an operator registers again", RegisterOperator(operator=GHT, kind="professionnel"), UNCHANGED),
    Case("an operator turns out older", RegisterOperator(at=BEFORE, operator=GHT, kind="professionnel"), RECORDED),
    Case("an operator changes kind", RegisterOperator(operator=GHT, kind="usager"), "ALREADY_EXISTS"),
    Case("an operator was of another kind", RegisterOperator(at=BEFORE, operator=GHT, kind="usager"), "ALREADY_EXISTS"),
    Case("an operator changes name", RegisterOperator(operator=GHT, kind="professionnel", name="X"), "ALREADY_EXISTS"),
    Case(
        "an operator registers again without its name",
        RegisterOperator(operator="new", kind="usager"),
        UNCHANGED,
        (RegisterOperator(operator="new", kind="usager", name="Nouveau"),),
    ),
    Case(
        "an operator registers again with its name",
        RegisterOperator(operator="new", kind="usager", name="Nouveau"),
        UNCHANGED,
        (RegisterOperator(operator="new", kind="usager", name="Nouveau"),),
    ),
    Case("an avenant is signed", SignInstrument(operator=GHT, instrument="avenant-1-02-2020"), RECORDED),
    Case("annexe 2 is signed for another version", annexe_2("1.5"), RECORDED),
    Case("annexe 2 is signed again", annexe_2("1.4"), UNCHANGED),
    Case("the contrat is signed again", SignInstrument(operator=GHT, instrument="contrat"), UNCHANGED),
    Case(
        "the contrat takes no version", SignInstrument(operator=GHT, instrument="contrat", referentiel="1.4"), UNCHANGED
    ),
    Case("nobody signs", SignInstrument(operator="new", instrument="contrat"), "NOT_FOUND"),
    Case(
        "an operator signs before it registered",
        SignInstrument(at=BEFORE, operator=GHT, instrument="contrat"),
        "NOT_FOUND",
    ),
    Case("a version of the CGU is published", PublishCgu(operator=GHT, version="1"), RECORDED),
    Case(
        "its deadline is moved",
        PublishCgu(operator=GHT, version="1", deadline="2027-01-31"),
        RECORDED,
        (PublishCgu(operator=GHT, version="1", deadline="2026-12-31"),),
    ),
    Case(
        "its deadline is lifted",
        PublishCgu(operator=GHT, version="1"),
        RECORDED,
        (PublishCgu(operator=GHT, version="1", deadline="2026-12-31"),),
    ),
    Case(
        "it is published again with its deadline in another spelling",
        PublishCgu(operator=GHT, version="1", deadline="2027-01-01T00:59:59.999999+01:00"),
        UNCHANGED,
        (PublishCgu(operator=GHT, version="1", deadline="2026-12-31"),),
    ),
    Case("nobody publishes", PublishCgu(operator="new", version="1"), "NOT_FOUND"),
]

DOMAINS = [
    Case("a domain is admitted", AdmitDomain(domain="new.mssante.fr"), RECORDED),
    Case("it is admitted again", AdmitDomain(domain=CABINET), UNCHANGED),
    Case("it is admitted again in capitals", AdmitDomain(domain=f"{CABINET.upper()}."), UNCHANGED),
    Case("with what it has", AdmitDomain(domain=CABINET, certificate_dns=[CABINET_DN, CABINET_DN.lower()]), UNCHANGED),
    Case("with the host it has", AdmitDomain(domain=HOSPITAL, operator=GHT, hosted=True), UNCHANGED),
    Case("as remote, which it is", AdmitDomain(domain=CABINET, hosted=False), UNCHANGED),
    Case("it gains a certificate", AdmitDomain(domain=CABINET, certificate_dns=[FOREIGN_DN]), RECORDED),
    Case("it gains an operator", AdmitDomain(domain=CABINET, operator=GHT), RECORDED),
    Case("it gains a host", AdmitDomain(domain=CABINET, hosted=True), RECORDED),
    Case("it loses its host", AdmitDomain(domain=HOSPITAL, hosted=False), RECORDED),
    Case("it was admitted before", AdmitDomain(at=BEFORE, domain=CABINET), RECORDED),
    Case("nobody runs it", AdmitDomain(domain=CABINET, operator="new"), "NOT_FOUND"),
    Case("its operator came later", AdmitDomain(at=BEFORE, domain=CABINET, operator=GHT), "NOT_FOUND"),
    Case("a domain is withdrawn", WithdrawDomain(domain=CABINET), RECORDED),
    Case("it is withdrawn from its operator", WithdrawDomain(domain=HOSPITAL, operator=GHT), RECORDED),
    Case("it loses a certificate", WithdrawDomain(domain=HOSPITAL, certificate_dns=[HOSPITAL_DN.lower()]), RECORDED),
    Case("it loses what it has not", WithdrawDomain(domain=CABINET, certificate_dns=[FOREIGN_DN]), UNCHANGED),
    Case("it is withdrawn again", WithdrawDomain(domain=CABINET), UNCHANGED, (WithdrawDomain(domain=CABINET),)),
    Case("no such domain is withdrawn", WithdrawDomain(domain="new.mssante.fr"), "NOT_FOUND"),
    Case("a domain is withdrawn before it came", WithdrawDomain(at=BEFORE, domain=CABINET), "NOT_FOUND"),
    Case("it is somebody else's", WithdrawDomain(domain=HOSPITAL, operator="new"), "NOT_ALLOWED_IN_STATE"),
    Case("it is nobody's", WithdrawDomain(domain=CABINET, operator=GHT), "NOT_ALLOWED_IN_STATE"),
]

CGU = PublishCgu(operator=GHT, version="1")
HOLDERS = [
    Case("a holder signs the CGU", SignCgu(mailbox=DOCTOR, version="1"), RECORDED, (CGU,)),
    Case(
        "the holder signs again",
        SignCgu(mailbox=DOCTOR.upper(), version="1"),
        UNCHANGED,
        (CGU, SignCgu(mailbox=DOCTOR, version="1")),
    ),
    Case("a holder signs what is not published", SignCgu(mailbox=DOCTOR, version="2"), "NOT_FOUND", (CGU,)),
    Case("a holder signs too early", SignCgu(at=NOW - DAY, mailbox=DOCTOR, version="1"), "NOT_FOUND", (CGU,)),
    Case("nobody signs the CGU", SignCgu(mailbox=NOBODY, version="1"), "NOT_FOUND", (CGU,)),
    Case("an unreadable holder signs", SignCgu(mailbox=f"<{DOCTOR}>", version="1"), "ADDRESS_INVALID", (CGU,)),
    Case("a stranger signs", SignCgu(mailbox=STRANGER, version="1"), "NOT_FOUND", (CGU,)),
    Case(
        "the holder of a mailbox without an operator signs",
        SignCgu(mailbox="dr.b@new.mssante.fr", version="1"),
        "NOT_FOUND",
        (
            CGU,
            AdmitDomain(domain="new.mssante.fr", hosted=True),
            CreateMailbox(address="dr.b@new.mssante.fr", kind="PER"),
        ),
    ),
    Case(
        "the holder of a deleted mailbox signs",
        SignCgu(mailbox=DOCTOR, version="1"),
        "NOT_ALLOWED_IN_STATE",
        (CGU, DeleteMailbox(address=DOCTOR)),
    ),
    Case(
        "the holder of a suspended mailbox signs",
        SignCgu(mailbox=DOCTOR, version="1"),
        RECORDED,
        (CGU, SuspendMailbox(address=DOCTOR)),
    ),
]

MAILBOXES = [
    Case("a mailbox is created", CreateMailbox(address=NOBODY, kind="CAB", adeli="2A0000001"), RECORDED),
    Case("it is created again", DOCTOR_AGAIN, UNCHANGED),
    Case(
        "it is created again in capitals",
        CreateMailbox(address=DOCTOR.upper(), kind="PER", rpps="10000000001"),
        UNCHANGED,
    ),
    Case("it is created with another kind", CreateMailbox(address=DOCTOR, kind="APP"), "ALREADY_EXISTS"),
    Case("it is created with another holder", CreateMailbox(address=DOCTOR, kind="PER"), "ALREADY_EXISTS"),
    Case("it is created after its deletion", DOCTOR_AGAIN, "ALREADY_EXISTS", (DeleteMailbox(address=DOCTOR),)),
    Case(
        "it turns out older",
        CreateMailbox(at=NOW - DAY, address=NOBODY, kind="PER"),
        RECORDED,
        (CreateMailbox(at=NOW, address=NOBODY, kind="PER"),),
    ),
    Case(
        "an address deleted since was created before",
        CreateMailbox(at=NOW - DAY, address=NOBODY, kind="APP"),
        "ALREADY_EXISTS",
        (CreateMailbox(at=NOW, address=NOBODY, kind="PER"), DeleteMailbox(address=NOBODY)),
    ),
    Case("a mailbox has no address", CreateMailbox(address=f'"dr"@{HOSPITAL}', kind="PER"), "ADDRESS_INVALID"),
    Case("a mailbox has a wrong INS", CreateMailbox(address=f"{WRONG_KEY}@{PATIENTS}", kind="PER"), "ADDRESS_INVALID"),
    Case("a usager's mailbox is created by hand", CreateMailbox(address=STRANGER, kind="PER"), "INS_INVALID"),
    Case("an INS is a professionnel's", CreateMailbox(address=f"{ins(1)}@{HOSPITAL}", kind="PER"), "INS_INVALID"),
    Case("a remote mailbox is created", CreateMailbox(address=REMOTE_DOCTOR, kind="PER"), "DOMAIN_NOT_HOSTED"),
    Case("a mailbox outside is created", CreateMailbox(address=OUTSIDER, kind="PER"), "DOMAIN_NOT_HOSTED"),
    Case("too early", CreateMailbox(at=BEFORE, address=NOBODY, kind="PER"), "DOMAIN_NOT_HOSTED"),
    Case(
        "on a withdrawn domain",
        CreateMailbox(address=NOBODY, kind="PER"),
        "DOMAIN_NOT_HOSTED",
        (WithdrawDomain(domain=HOSPITAL),),
    ),
    Case("a service has a mailbox beside usagers", CreateMailbox(address=f"service@{PATIENTS}", kind="APP"), RECORDED),
    Case("a mailbox is suspended", SuspendMailbox(address=DOCTOR, motive="absence"), RECORDED),
    Case("it is suspended again", SuspendMailbox(address=DOCTOR), UNCHANGED, (SuspendMailbox(address=DOCTOR),)),
    Case("an unknown mailbox is suspended", SuspendMailbox(address=NOBODY), "NOT_FOUND"),
    Case("a mailbox is suspended before it was", SuspendMailbox(at=BEFORE, address=DOCTOR), "NOT_FOUND"),
    Case("an unreadable mailbox is suspended", SuspendMailbox(address="dr"), "ADDRESS_INVALID"),
    Case(
        "a deleted mailbox is suspended",
        SuspendMailbox(address=DOCTOR),
        "NOT_ALLOWED_IN_STATE",
        (DeleteMailbox(address=DOCTOR),),
    ),
    Case("it is resumed", ResumeMailbox(address=DOCTOR), RECORDED, (SuspendMailbox(address=DOCTOR),)),
    Case("an active mailbox is resumed", ResumeMailbox(address=DOCTOR), UNCHANGED),
    Case("an unknown mailbox is resumed", ResumeMailbox(address=NOBODY), "NOT_FOUND"),
    Case("an unreadable mailbox is resumed", ResumeMailbox(address="@"), "ADDRESS_INVALID"),
    Case(
        "a deleted mailbox is resumed",
        ResumeMailbox(address=DOCTOR),
        "NOT_ALLOWED_IN_STATE",
        (DeleteMailbox(address=DOCTOR),),
    ),
    Case("a mailbox is deleted", DeleteMailbox(address=DOCTOR), RECORDED),
    Case("a suspended one is deleted", DeleteMailbox(address=DOCTOR), RECORDED, (SuspendMailbox(address=DOCTOR),)),
    Case("it is deleted again", DeleteMailbox(address=DOCTOR), UNCHANGED, (DeleteMailbox(address=DOCTOR),)),
    Case("an unknown mailbox is deleted", DeleteMailbox(address=NOBODY), "NOT_FOUND"),
    Case("an unreadable mailbox is deleted", DeleteMailbox(address=""), "ADDRESS_INVALID"),
    Case("a mailbox is hidden", SetListeRouge(address=DOCTOR, liste_rouge=True), RECORDED),
    Case("a shown mailbox is shown", SetListeRouge(address=DOCTOR, liste_rouge=False), UNCHANGED),
    Case(
        "a hidden mailbox is hidden",
        SetListeRouge(address=NOBODY, liste_rouge=True),
        UNCHANGED,
        (CreateMailbox(address=NOBODY, kind="PER", liste_rouge=True),),
    ),
    Case("an unknown mailbox is hidden", SetListeRouge(address=NOBODY, liste_rouge=True), "NOT_FOUND"),
    Case("an unreadable mailbox is hidden", SetListeRouge(address="%", liste_rouge=True), "ADDRESS_INVALID"),
    Case(
        "a deleted mailbox is hidden",
        SetListeRouge(address=DOCTOR, liste_rouge=True),
        "NOT_ALLOWED_IN_STATE",
        (DeleteMailbox(address=DOCTOR),),
    ),
]

USAGERS = [
    Case("an ENS opens", OpenEns(ins=ins(3)), RECORDED),
    Case("an ENS opens again", OpenEns(ins=ins(1)), UNCHANGED),
    Case("an ENS opens in another spelling", OpenEns(ins=f" {ins(1)[:7]} {ins(1)[7:]}"), UNCHANGED),
    Case("a suspended ENS opens", OpenEns(ins=ins(1)), UNCHANGED, (SuspendMailbox(address=USAGER),)),
    Case("a closed ENS opens", OpenEns(ins=ins(1)), RECORDED, (CloseEns(ins=ins(1)),)),
    Case("an ENS turns out older", OpenEns(at=SINCE + DAY, ins=ins(3)), RECORDED, (OpenEns(ins=ins(3)),)),
    Case("an ENS opens for a wrong key", OpenEns(ins=WRONG_KEY), "INS_INVALID"),
    Case("an ENS opens for no INS", OpenEns(ins=""), "INS_INVALID"),
    Case("an ENS opens too early", OpenEns(at=BEFORE, ins=ins(3)), "DOMAIN_NOT_HOSTED"),
    Case(
        "an ENS opens where usagers are remote",
        OpenEns(ins=ins(3)),
        "DOMAIN_NOT_HOSTED",
        (AdmitDomain(domain=PATIENTS, hosted=False),),
    ),
    Case(
        "an ENS opens on a withdrawn domain",
        OpenEns(ins=ins(3)),
        "DOMAIN_NOT_HOSTED",
        (WithdrawDomain(domain=PATIENTS),),
    ),
    Case("an ENS closes", CloseEns(ins=ins(1), oid="1.2.250.1.213.1.4.8"), RECORDED),
    Case("an ENS closes again", CloseEns(ins=ins(1)), UNCHANGED, (CloseEns(ins=ins(1)),)),
    Case("an ENS closes that never opened", CloseEns(ins=ins(3)), "NOT_FOUND"),
    Case("an ENS closes before it opened", CloseEns(at=BEFORE, ins=ins(1)), "NOT_FOUND"),
    Case("an ENS closes for a wrong key", CloseEns(ins=WRONG_KEY), "INS_INVALID"),
    Case("a usager is erased", EraseUsager(ins=ins(1)), RECORDED),
    Case("an erased usager is erased", EraseUsager(ins=ins(1)), "NOT_FOUND", (EraseUsager(ins=ins(1)),)),
    Case("nobody is erased", EraseUsager(ins=ins(3)), "NOT_FOUND"),
    Case("an erased usager opens an ENS anew", OpenEns(ins=ins(1)), RECORDED, (EraseUsager(ins=ins(1)),)),
    Case("a wrong key is erased", EraseUsager(ins=WRONG_KEY), "INS_INVALID"),
]

SENT = write(DOCTOR, USAGER, SURGEON, id="sent")
DELIVERIES = [
    Case("a message is received", received("sent", USAGER), RECORDED, (SENT,)),
    Case("by a professionnel", received("sent", SURGEON), RECORDED, (SENT,)),
    Case("a message is lost", lost("sent", USAGER), RECORDED, (SENT,)),
    Case("it is received again", received("sent", USAGER), UNCHANGED, (SENT, received("sent", USAGER))),
    Case("it is lost again", lost("sent", USAGER), UNCHANGED, (SENT, lost("sent", USAGER))),
    Case(
        "it was lost even earlier", lost("sent", USAGER, at=NOW), UNCHANGED, (SENT, lost("sent", USAGER, at=NOW + DAY))
    ),
    Case("another one is lost", lost("sent", SURGEON), RECORDED, (SENT, lost("sent", USAGER))),
    Case("it arrives after all", received("sent", USAGER), RECORDED, (SENT, lost("sent", USAGER))),
    Case("it is lost at last", lost("sent", USAGER), "NOT_ALLOWED_IN_STATE", (SENT, received("sent", USAGER))),
    Case(
        "the final hop had it", received("hop", USAGER), UNCHANGED, (write(DOCTOR, USAGER, id="hop", final_hop=True),)
    ),
    Case(
        "the final hop lost it",
        lost("hop", USAGER),
        "NOT_ALLOWED_IN_STATE",
        (write(DOCTOR, USAGER, id="hop", final_hop=True),),
    ),
    Case("nobody sent it", received("never", USAGER), "NOT_FOUND", (SENT,)),
    Case("it was not sent to them", received("sent", SECRETARIAT), "NOT_FOUND", (SENT,)),
    Case("it was not sent to a stranger", received("sent", STRANGER), "NOT_FOUND", (SENT,)),
    Case("it was not sent yet", received("sent", USAGER, at=NOW - INSTANT), "NOT_FOUND", (SENT,)),
    Case("nobody received it", received("sent", "@"), "ADDRESS_INVALID", (SENT,)),
    Case(
        "it was lost before it was received",
        lost("sent", USAGER, at=NOW),
        RECORDED,
        (SENT, received("sent", USAGER, at=NOW + DAY)),
    ),
]

CASES = [*OPERATORS, *DOMAINS, *HOLDERS, *MAILBOXES, *USAGERS, *DELIVERIES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_a_command_has_its_outcome(case: Case) -> None:
    story = Story().given(*world(), *case.given).when(case.command)
    match case.outcome:
        case "recorded":
            story.then_recorded()
        case "unchanged":
            story.then_unchanged()
        case code:
            story.then_rejected(code)
    assert story.answer.type == str(case.command.__struct_config__.tag)


@pytest.mark.parametrize("command", get_args(OtherCommand), ids=lambda command: command.__name__)
def test_every_command_is_seen_recorded_and_rejected(command: type[AnyCommand]) -> None:
    outcomes = {case.outcome for case in CASES if type(case.command) is command}
    assert "recorded" in outcomes
    assert "unchanged" in outcomes or command is EraseUsager
    assert outcomes - {"recorded", "unchanged"}


# Erasing again is not among them: the vault forgot whose facts they were, so nobody can tell that it was so already.
SAID_AGAIN = [case for case in CASES if case.outcome == RECORDED and not isinstance(case.command, EraseUsager)]


@pytest.mark.parametrize("case", SAID_AGAIN, ids=lambda case: case.sentence)
def test_what_was_recorded_is_unchanged_when_it_is_said_again(case: Case) -> None:
    Story().given(*world(), *case.given, case.command).when(case.command).then_unchanged()


def test_a_refused_recipient_received_nothing() -> None:
    story = Story().given(*world()).when(write(DOCTOR, USAGER, NOBODY, id="m")).then_mixed()
    story.when(received("m", NOBODY)).then_rejected("NOT_ALLOWED_IN_STATE")
    story.when(lost("m", NOBODY)).then_rejected("NOT_ALLOWED_IN_STATE")
    story.when(received("m", USAGER)).then_recorded()


def test_a_submission_is_accepted_refused_or_mixed() -> None:
    story = Story().given(*world())
    story.when(write(DOCTOR, SURGEON)).then_accepted("PROFESSIONNEL_TO_PROFESSIONNEL")
    story.when(write(DOCTOR, NOBODY)).then_refused("RECIPIENT_UNKNOWN")
    story.when(write(DOCTOR, SURGEON, NOBODY)).then_mixed()


def test_an_answer_to_a_submission_names_its_id_and_every_recipient() -> None:
    story = Story().given(*world()).when(SubmitMessage(id="m-1", sender=DOCTOR, recipients=[SURGEON, NOBODY]))
    assert (story.answer.type, story.answer.id) == ("submit-message", "m-1")
    assert [verdict.recipient for verdict in story.answer.verdicts] == [SURGEON, NOBODY]


def test_a_retry_appends_nothing_and_gets_the_first_position() -> None:
    story = Story().given(*world()).when(write(DOCTOR, USAGER, id="m"))
    first, head = story.answer, story.engine.head
    story.when(write(DOCTOR, USAGER, id="m", at=NOW + DAY, subject="[FIN]", final_hop=True))
    assert (story.answer, story.engine.head) == (first, head)
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


def test_an_erased_usager_leaves_every_position_and_answer_as_it_was() -> None:
    story = Story().given(*world(), reach(DOCTOR, USAGER)).when(write(USAGER, DOCTOR, id="m"))
    before = story.engine.head
    story.then_accepted("CONTACT_OPEN").when(EraseUsager(ins=ins(1))).then_recorded()
    assert story.answer.position == before + 1
    story.when(write(USAGER, DOCTOR, id="m")).then_accepted("CONTACT_OPEN")
    story.when(write(USAGER, DOCTOR)).then_refused("SENDER_UNKNOWN", "CONTACT_NOT_OPENED")


def test_an_erased_usager_who_comes_back_is_a_new_one() -> None:
    story = Story().given(*world(), reach(DOCTOR, USAGER), EraseUsager(ins=ins(1)), OpenEns(ins=ins(1)))
    story.when(write(USAGER, DOCTOR)).then_refused("CONTACT_NOT_OPENED")


@pytest.mark.parametrize(
    "command",
    [
        write(USAGER, DOCTOR, id="m"),
        CloseEns(ins=ins(1)),
        SuspendMailbox(address=USAGER),
        SignCgu(mailbox=USAGER, version="1"),
        CreateMailbox(address=USAGER, kind="PER"),
        received("m", USAGER),
    ],
    ids=["a retry", "closing", "suspending", "signing", "creating by hand", "a report"],
)
def test_nothing_but_a_new_fact_about_them_brings_an_erased_usager_back(command: AnyCommand) -> None:
    story = Story().given(*world(), reach(DOCTOR, USAGER), write(USAGER, DOCTOR, id="m"), EraseUsager(ins=ins(1)))
    story.when(command).when(EraseUsager(ins=ins(1))).then_rejected("NOT_FOUND")


def test_checking_a_message_brings_nobody_in() -> None:
    story = Story().given(*world())
    story.engine.check(write(STRANGER, DOCTOR))
    story.when(EraseUsager(ins=ins(3))).then_rejected("NOT_FOUND")
    story.when(write(STRANGER, DOCTOR)).when(EraseUsager(ins=ins(3))).then_recorded()


def test_by_option_an_ins_is_taken_whatever_its_key() -> None:
    samples = ("288091234567823", "253097812634581")
    lenient = Story(Options(ins_key="lenient")).given(*world())
    strict = Story(Options(ins_key="strict")).given(*world())
    for sample in samples:
        lenient.when(OpenEns(ins=sample)).then_recorded()
        lenient.when(write(DOCTOR, f"{sample}@{PATIENTS}")).then_accepted("PROFESSIONNEL_TO_USAGER")
        strict.when(OpenEns(ins=sample)).then_rejected("INS_INVALID")
        strict.when(write(DOCTOR, f"{sample}@{PATIENTS}")).then_refused("ADDRESS_INVALID")


def test_a_report_names_the_message_by_the_id_the_gateway_chose() -> None:
    for id_ in (f"<{usager(1)}>", "digest:0123", "m 1", "é"):
        story = Story().given(*world(), write(DOCTOR, USAGER, id=id_))
        story.when(ReportDelivery(id=id_, recipient=USAGER, status="delivered")).then_recorded()
        story.when(write(USAGER, DOCTOR)).then_accepted("CONTACT_OPEN")
