"""What is set up before anybody writes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from huissier.adapters.testing.strategies.chance import often
from huissier.adapters.testing.strategies.town import (
    CERTIFICATES,
    DEADLINES,
    DOCTOR,
    HOSPITAL,
    HOSPITAL_OPERATOR,
    INS,
    LIBERAL,
    LIBERAL_OPERATOR,
    MOMENTS,
    OPERATORS,
    PATIENTS,
    PATIENTS_BOXES,
    PHARMACIST,
    PHARMACY,
    RESIDENTS,
    SECRETARY,
    USAGERS_OPERATOR,
)
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    Instrument,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    SignCgu,
    SignInstrument,
)

Body = Any  # a command without its time

ANY_MOMENT: Final = st.builds(
    datetime.__add__,
    st.sampled_from(MOMENTS),
    st.sampled_from((timedelta(0), timedelta(0), timedelta(microseconds=-1))),
)
_AVENANT: Final = often(st.just(("avenant-1-02-2020",)), st.just(()))
_CGU: Final = often(st.just("none published"), st.sampled_from(DEADLINES))
_MOST: Final = 28  # commands in a set-up
_LEFT_OUT, _LATE, _ON_TIME = 0, 1, 2  # shrinking leaves out what does not matter
_FATES: Final = st.lists(st.integers(0, 99), min_size=_MOST, max_size=_MOST)
_SET_UP_AT: Final = st.sampled_from((MOMENTS[0], MOMENTS[0], MOMENTS[0], MOMENTS[1], MOMENTS[4]))


@st.composite
def worlds(draw: st.DrawFn, *, complete: bool = False) -> list[AnyCommand]:
    """What is set up before anybody writes: usually all that usagers' mail needs, sometimes less, seldom late.

    `complete`: nothing is left out or late, though operators may lack an instrument and CGU be unsigned.
    """
    hosts_patients, hosts_residents = draw(st.booleans()), draw(st.booleans())
    bodies: list[Body] = [
        RegisterOperator(operator=HOSPITAL_OPERATOR, kind="professionnel", name="Hospitalis"),
        RegisterOperator(operator=LIBERAL_OPERATOR, kind="professionnel"),
        RegisterOperator(operator=USAGERS_OPERATOR, kind="usager"),
    ]
    signed: tuple[Instrument, ...] = ("contrat", "annexe-2", *draw(_AVENANT))
    bodies += [
        SignInstrument(operator=operator, instrument=instrument, referentiel="1.4")
        for operator in (HOSPITAL_OPERATOR, USAGERS_OPERATOR)
        for instrument in signed
    ]
    bodies += [
        _admission(HOSPITAL, HOSPITAL_OPERATOR, CERTIFICATES[:2], hosted=True),
        _admission(LIBERAL, draw(st.sampled_from((None, LIBERAL_OPERATOR))), CERTIFICATES[1:2], hosted=None),
        _admission(PATIENTS, draw(st.sampled_from((None, USAGERS_OPERATOR))), CERTIFICATES[2:], hosted=False),
        _admission(RESIDENTS, USAGERS_OPERATOR, (), hosted=hosts_residents),
    ]
    if hosts_patients:
        bodies.append(_admission(PATIENTS, USAGERS_OPERATOR, (), hosted=True))
    bodies += [
        CreateMailbox(address=DOCTOR, kind="PER", rpps="10001234567"),
        CreateMailbox(address=SECRETARY, kind="ORG", finess="990000001", secteur="SA07"),
        CreateMailbox(address=PHARMACY, kind="ORG", finess="990000002", secteur="SA33"),
        CreateMailbox(address=PHARMACIST, kind="PER", rpps="10001234568", secteur="SA33"),
    ]
    if hosts_residents:
        bodies.append(CreateMailbox(address=f"mme.z@{RESIDENTS}", kind="PER"))
    if hosts_patients:
        bodies += [OpenEns(ins=INS[0]), OpenEns(ins=INS[1])]
    if (deadline := draw(_CGU)) != "none published":
        bodies += [PublishCgu(operator=operator, version="cgu-1", deadline=deadline) for operator in OPERATORS[::2]]
        bodies += [SignCgu(mailbox=address, version="cgu-1") for address in (DOCTOR, PHARMACY, PATIENTS_BOXES[0])]
    moment, fates = draw(_SET_UP_AT), [_ON_TIME] * _MOST if complete else draw(_FATES)
    return [
        at_time(body, draw(ANY_MOMENT) if fate == _LATE else moment)
        for body, fate in zip(bodies, fates, strict=False)
        if fate > _LEFT_OUT
    ]


def _admission(domain: str, operator: str | None, certificates: Iterable[str], *, hosted: bool | None) -> AdmitDomain:
    return AdmitDomain(domain=domain, operator=operator, certificate_dns=list(certificates), hosted=hosted)


def at_time(body: Body, at: datetime) -> AnyCommand:
    """Give a command its time."""
    command: AnyCommand = msgspec.structs.replace(body, at=at)
    return command
