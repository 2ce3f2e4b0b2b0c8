"""A hospital of one operator and two mailboxes, on whatever store, at one moment; and messages within it.

It is as small as a test of the engine can do with; `huissier.adapters.testing.hospital` has the world of the rules.
"""

from datetime import UTC, datetime

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.testing.hospital import ins
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    RegisterOperator,
    SignInstrument,
    SubmitMessage,
)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DOCTOR, SECRETARY = "dr.a@ch-exemple.mssante.fr", "secretariat@ch-exemple.mssante.fr"
INS = ins(1)
INS_WITH_WRONG_KEY = f"{INS[:13]}{(int(INS[13:]) + 1) % 97:02}"
USAGER = f"{INS}@patient.mssante.fr"

HOSPITAL: tuple[AnyCommand, ...] = (
    RegisterOperator(operator="ght", kind="professionnel"),
    SignInstrument(operator="ght", instrument="contrat"),
    SignInstrument(operator="ght", instrument="annexe-2", referentiel="1.4"),
    AdmitDomain(domain="ch-exemple.mssante.fr", operator="ght", hosted=True),
    AdmitDomain(domain="patient.mssante.fr"),
    CreateMailbox(address=DOCTOR, kind="PER"),
    CreateMailbox(address=SECRETARY, kind="ORG"),
)


def hospital(url: str = "sqlite://", **arguments: object) -> Engine:
    engine = Engine(url, clock=lambda: NOW, **arguments)  # type: ignore[arg-type]
    engine.handle_many(HOSPITAL)
    return engine


def message(number: int, to: str = SECRETARY, sender: str = DOCTOR) -> SubmitMessage:
    return SubmitMessage(id=f"m-{number}", sender=sender, recipients=[to])
