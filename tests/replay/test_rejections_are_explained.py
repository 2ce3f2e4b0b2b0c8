"""A rejection stands where some command of its kind would be rejected so; any other reason is found."""

import pytest
from msgspec.structs import replace

from huissier.adapters.testing import hospital as w
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.domain.events import CommandRejected, ReasonGiven
from huissier.domain.reasons import Code
from tests.replay.changing import changed, fields, place_of
from tests.replay.told import NOW, differences, lived

WORLD = [*w.world(), w.write(w.DOCTOR, w.USAGER, w.NOBODY, id="mixed", at=w.NOW)]

REJECTED: list[AnyCommand] = [
    RegisterOperator(operator=w.GHT, kind="usager", at=NOW),
    SignInstrument(operator="nobody", instrument="contrat", at=NOW),
    PublishCgu(operator="nobody", version="1", at=NOW),
    AdmitDomain(domain="a.mssante.fr", operator="nobody", at=NOW),
    WithdrawDomain(domain="a.mssante.fr", at=NOW),
    WithdrawDomain(domain=w.HOSPITAL, operator=w.MES, at=NOW),
    OpenEns(ins=w.ins(7), at=w.SINCE - w.DAY),
    CloseEns(ins=w.ins(7), at=NOW),
    CloseEns(ins="no INS", at=NOW),
    EraseUsager(ins=w.ins(7), at=NOW),
    CreateMailbox(address=w.DOCTOR, kind="PER", rpps="10000000009", at=NOW),
    CreateMailbox(address=w.REMOTE_DOCTOR, kind="PER", at=NOW),
    CreateMailbox(address="no address", kind="PER", at=NOW),
    SuspendMailbox(address=w.NOBODY, at=NOW),
    ResumeMailbox(address=w.NOBODY, at=NOW),
    DeleteMailbox(address=w.NOBODY, at=NOW),
    SetListeRouge(address=w.NOBODY, liste_rouge=True, at=NOW),
    SignCgu(mailbox=w.DOCTOR, version="1", at=NOW),
    ReportDelivery(id="unknown", recipient=w.USAGER, status="delivered", at=NOW),
    ReportDelivery(id="mixed", recipient=w.NOBODY, status="delivered", at=NOW),
    ReportDelivery(id="mixed", recipient=w.DOCTOR, status="undelivered", at=NOW),
    ReportDelivery(id="mixed", recipient="no address", status="undelivered", at=NOW),
]
NAMES = [f"{place}-{command.__struct_config__.tag}" for place, command in enumerate(REJECTED)]


@pytest.mark.parametrize("command", REJECTED, ids=NAMES)
def test_what_was_rejected_is_explained_and_what_is_said_to_have_been_is_not(command: AnyCommand) -> None:
    log = lived([*WORLD, command])
    position = place_of(log, CommandRejected)
    assert differences(log) == []
    for reasons in ((), (ReasonGiven(Code.DOMAIN_NOT_HOSTED, (1,)),)):
        lie = changed(log, position, lambda event: replace(event, reasons=reasons))  # noqa: B023
        assert fields(differences(lie), position) == ["reasons"]


@pytest.mark.parametrize("command", [one for one in REJECTED if isinstance(one, ReportDelivery)])
def test_a_rejected_report_of_a_time_that_kept_less_is_explained_by_some_report(command: AnyCommand) -> None:
    log = lived([*WORLD, command])
    position = place_of(log, CommandRejected)
    older = changed(log, position, lambda event: replace(event, recipient=None, status=None))
    assert differences(older) == []
    lie = changed(older, position, lambda event: replace(event, reasons=(ReasonGiven(Code.INS_INVALID),)))
    assert fields(differences(lie), position) == ["reasons"]


@pytest.mark.parametrize("change", [{"command": "no-such-command"}, {"command": "admit-domain"}])
def test_a_rejection_that_no_command_can_have_had_is_found(change: dict[str, str]) -> None:
    log = lived([*WORLD, SuspendMailbox(address=w.NOBODY, at=NOW)])
    position = place_of(log, CommandRejected)
    assert fields(differences(changed(log, position, lambda event: replace(event, **change))), position) == ["reasons"]
