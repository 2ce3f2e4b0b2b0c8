"""The engine and its slow, obvious twin come to the same answers, whatever the history."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal

import pytest
from eventsourcing.dcb.api import DCBRecorder
from eventsourcing.dcb.popo import InMemoryDCBRecorder
from hypothesis import given
from hypothesis.strategies import sampled_from

from huissier import (
    AdmitDomain,
    AnyCommand,
    EraseUsager,
    OpenEns,
    Options,
    RegisterOperator,
    ReportDelivery,
    SubmitMessage,
    WithdrawDomain,
)
from huissier.adapters.deciding.engine import MEMORY, Engine
from huissier.adapters.testing.properties import answered, checked, said
from huissier.adapters.testing.reference.twin import Twin, TwinAnswer
from huissier.adapters.testing.strategies import histories, options
from huissier.adapters.testing.strategies.town import DOCTOR, HOSPITAL, INS, PATIENTS
from huissier.adapters.testing.told import told
from tests.properties import histories_looked_at, told_shortly

NOW = datetime(2026, 12, 1, tzinfo=UTC)

History = list[AnyCommand]


def _day(number: int) -> datetime:
    return datetime(2022, 1, number, tzinfo=UTC)


_WORLD: History = [
    RegisterOperator(operator="a", kind="professionnel", at=_day(1)),
    RegisterOperator(operator="u", kind="usager", at=_day(1)),
    AdmitDomain(domain=HOSPITAL, operator="a", certificate_dns=["CN=x"], at=_day(1)),
    AdmitDomain(domain=PATIENTS, operator="u", at=_day(1)),
]
_USAGER = f"{INS[0]}@{PATIENTS}"


def _sent(day: int, *, to: str = _USAGER, id_: str = "m-1", certificate_dn: str | None = None) -> SubmitMessage:
    return SubmitMessage(id=id_, sender=DOCTOR, recipients=[to], certificate_dn=certificate_dn, at=_day(day))


def _ended(day: int) -> SubmitMessage:
    return SubmitMessage(id="m-3", sender=DOCTOR, recipients=[_USAGER], subject="[FIN]", at=_day(day))


def _reported(day: int, status: Literal["delivered", "undelivered"], id_: str = "m-1") -> ReportDelivery:
    return ReportDelivery(id=id_, recipient=_USAGER, status=status, at=_day(day))


# Shrunk from what Hypothesis found, or what it seldom comes upon.
FINDS: Final[dict[str, History]] = {
    "an ENS that could not open leaves nobody to erase": [
        OpenEns(ins=INS[0], at=_day(1)),
        EraseUsager(ins=INS[0], at=_day(1)),
    ],
    "a message sent again does not bring back who was erased": [
        _sent(1),
        EraseUsager(ins=INS[0], at=_day(2)),
        _sent(1),
        EraseUsager(ins=INS[0], at=_day(3)),
    ],
    "a failure reported before a late delivery does not undo it": [
        *_WORLD,
        _sent(2),
        _reported(5, "undelivered"),
        _reported(4, "delivered"),
        _reported(6, "undelivered"),
    ],
    "an operator named again is the operator, whatever is learnt of earlier days": [
        *_WORLD,
        AdmitDomain(domain=HOSPITAL, operator="a", certificate_dns=["CN=y"], at=_day(4)),
        AdmitDomain(domain=HOSPITAL, operator="u", at=_day(3)),
        _sent(5),
    ],
    "a certificate named again is paired, whatever is learnt of earlier days": [
        *_WORLD,
        AdmitDomain(domain=HOSPITAL, certificate_dns=["CN=x", "CN=y"], at=_day(4)),
        WithdrawDomain(domain=HOSPITAL, at=_day(3)),
        _sent(5, certificate_dn="CN=x"),
    ],
    "a certificate withdrawn with another is withdrawn, whatever is learnt of earlier days": [
        *_WORLD,
        WithdrawDomain(domain=HOSPITAL, certificate_dns=["CN=x", "CN=y"], at=_day(4)),
        AdmitDomain(domain=HOSPITAL, certificate_dns=["CN=y"], at=_day(3)),
        _sent(5, to=DOCTOR, certificate_dn="CN=y"),
    ],
    "a message that arrives after a later one changes nothing": [
        *_WORLD,
        _sent(2),
        _ended(3),
        _sent(4, id_="m-2"),
        _reported(5, "delivered", id_="m-2"),
        _reported(6, "delivered"),
        SubmitMessage(id="m-4", sender=_USAGER, recipients=[DOCTOR], at=_day(7)),
    ],
    "a message that arrives after the end opens nothing": [
        *_WORLD,
        _sent(2),
        _ended(3),
        _reported(4, "delivered"),
        SubmitMessage(id="m-4", sender=_USAGER, recipients=[DOCTOR], at=_day(5)),
    ],
    "an operator with an empty name is the same operator": [
        RegisterOperator(operator="a", kind="professionnel", name="", at=_day(1)),
        RegisterOperator(operator="a", kind="professionnel", name="", at=_day(2)),
    ],
}


@histories_looked_at(125)
@given(history=histories(), options=options(), memory=sampled_from((MEMORY, 5, 0)))
@told_shortly
def test_the_engine_answers_every_history_as_its_twin_does(history: History, options: Options, memory: int) -> None:
    _live_through(history, options, memory)


@histories_looked_at(30)
@given(history=histories(), options=options())
@told_shortly
def test_the_engine_answers_every_history_as_its_twin_does_with_its_log_elsewhere(
    history: History, options: Options
) -> None:
    _live_through(history, options, recorder=InMemoryDCBRecorder())


@pytest.mark.parametrize("recorder_of", [lambda: None, InMemoryDCBRecorder], ids=["own-log", "log-elsewhere"])
@pytest.mark.parametrize("history", FINDS.values(), ids=FINDS)
def test_the_engine_answers_as_its_twin_where_they_disagreed_or_might(
    history: History, recorder_of: Callable[[], DCBRecorder | None]
) -> None:
    _live_through(history, Options(), recorder=recorder_of())


def _live_through(
    history: History, options: Options, memory: int = MEMORY, recorder: DCBRecorder | None = None
) -> None:
    twin = Twin(options)
    expected: list[TwinAnswer] = []
    with Engine("sqlite://", clock=lambda: NOW, options=options, memory=memory, recorder=recorder) as engine:
        for place, command in enumerate(history):
            so_far = history[: place + 1]
            if isinstance(command, SubmitMessage):
                foreseen, found = twin.check(command), checked(engine.check(command))
                assert found == foreseen, _story(so_far, options, expected, found, foreseen)
            foreseen, found = twin.handle(command), answered(engine.handle(command))
            assert found == foreseen, _story(so_far, options, expected, found, foreseen)
            expected.append(foreseen)


def _story(
    history: History, options: Options, answers: list[TwinAnswer], found: TwinAnswer, foreseen: TwinAnswer
) -> str:
    under, story = f"under the options {options.differences() or 'by default'}", told(history, answers)
    return f"\n{under}\n{story}\n      then the engine says {said(found)}\n      but the twin says {said(foreseen)}"
