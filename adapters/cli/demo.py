"""`huissier demo`: the story of the trust space's opening to usagers, told on a throw-away store."""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import typer

from huissier.domain.answers import Answer, Reason
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    SignCgu,
    SignInstrument,
    SubmitMessage,
)

# A made-up matricule (département 99, born abroad) with the key that belongs to it.
_INS = "179129900100166"
USAGER = f"{_INS}@patient.mssante.fr"
DOCTOR = "dr.martin@ch-exemple.mssante.fr"


class Step(NamedTuple):
    """One sentence that says what happens, and the command that records it."""

    sentence: str
    command: AnyCommand


def demo() -> None:
    """Tell how an operator joins and a usager and a professionnel come to write to each other, step by step."""
    from huissier.adapters.deciding.engine import Engine

    folder = Path(tempfile.mkdtemp(prefix="huissier-demo-"))
    url = f"sqlite:///{folder / 'huissier.db'}"
    with Engine(url) as engine:
        for step in story():
            typer.echo(f"\n{step.command.at:%Y-%m-%d}  {step.sentence}")
            for line in _told(engine.handle(step.command)):
                typer.echo(f"            {line}")
        facts = engine.head
    typer.echo(f"\nAll of it stands in the log, {facts} facts, without the usager's INS: {url}")
    # Whoever runs it with `uv run` needs the same words before the commands that they copy from here.
    program = "uv run huissier" if "UV_RUN_RECURSION_DEPTH" in os.environ else "huissier"
    suspend = f'{{"type":"suspend-mailbox","address":"{DOCTOR}"}}'
    typer.echo("\nTry next:")
    typer.echo(f"  {program} check --store {url} --from {DOCTOR} --to {USAGER}")
    typer.echo(f"  {program} check --store {url} --from {USAGER} --to {DOCTOR} --at 2022-02-03T12:00:00Z")
    typer.echo(f"  echo '{suspend}' | {program} apply --store {url} -")


def _told(answer: Answer) -> Iterator[str]:
    place = "nothing to record" if answer.position is None else f"fact {answer.position}"
    yield f"→ {answer.outcome} ({place})"
    for reason in (*answer.reasons, *(reason for verdict in answer.verdicts for reason in verdict.reasons)):
        yield from _reason(reason)


def _reason(reason: Reason) -> Iterator[str]:
    yield f"  {reason.code}: {reason.en}"
    if reason.remedy:
        yield f"    to change it: {reason.remedy}"


def _on(year: int, month: int, day: int, hour: int = 9) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def story() -> Iterator[Step]:
    """Yield the steps of the story, from the first contrat to the end of the exchange."""
    yield from _operators_join()
    yield from _domains_and_mailboxes()
    yield from _an_exchange()


def _operators_join() -> Iterator[Step]:
    joined, opened = _on(2019, 3, 1), _on(2021, 9, 1)
    yield Step(
        "An operator joins the trust space to serve professionnels.",
        RegisterOperator(at=joined, operator="ght-exemple", kind="professionnel", name="GHT Exemple"),
    )
    yield Step(
        "It signs the contrat opérateur.", SignInstrument(at=joined, operator="ght-exemple", instrument="contrat")
    )
    yield Step(
        "Version 1.4 of the référentiel brings in usagers: already in the space, it signs Avenant N°1.",
        SignInstrument(at=opened, operator="ght-exemple", instrument="avenant-1-02-2020"),
    )
    yield Step(
        "It re-commits to version 1.4 with Annexe 2, within the six months.",
        SignInstrument(at=opened, operator="ght-exemple", instrument="annexe-2", referentiel="1.4"),
    )
    yield Step(
        "The operator of the usagers' mailboxes joins.",
        RegisterOperator(at=opened, operator="mon-espace-sante", kind="usager"),
    )
    yield Step("It signs the contrat.", SignInstrument(at=opened, operator="mon-espace-sante", instrument="contrat"))
    yield Step(
        "And Annexe 2 for version 1.4.",
        SignInstrument(at=opened, operator="mon-espace-sante", instrument="annexe-2", referentiel="1.4"),
    )


def _domains_and_mailboxes() -> Iterator[Step]:
    admitted = _on(2021, 10, 1)
    yield Step(
        "The hospital's domain is admitted; its mailboxes are held here.",
        AdmitDomain(
            at=admitted,
            domain="ch-exemple.mssante.fr",
            operator="ght-exemple",
            certificate_dns=["CN=mss.ch-exemple.fr,OU=300000000000000,O=CH EXEMPLE,C=FR"],
            hosted=True,
        ),
    )
    yield Step(
        "The usagers' domain is admitted, held here too for the story.",
        AdmitDomain(at=admitted, domain="patient.mssante.fr", operator="mon-espace-sante", hosted=True),
    )
    yield Step(
        "A mailbox (BAL) is created for Dr Martin.",
        CreateMailbox(at=_on(2021, 10, 4), address=DOCTOR, kind="PER", name="Dr Martin", service="Cardiologie"),
    )
    yield Step(
        "The operator publishes its CGU, to be signed by the end of the year.",
        PublishCgu(at=_on(2021, 10, 5), operator="ght-exemple", version="2021-10", deadline="2021-12-31"),
    )
    yield Step("Dr Martin signs the CGU.", SignCgu(at=_on(2021, 11, 8), mailbox=DOCTOR, version="2021-10"))
    yield Step(
        "A usager's espace numérique de santé opens, and with it the mailbox <INS>@patient.mssante.fr.",
        OpenEns(at=_on(2022, 1, 3), ins=_INS),
    )


def _an_exchange() -> Iterator[Step]:
    yield Step(
        "The usager writes to Dr Martin, too early.",
        SubmitMessage(at=_on(2022, 2, 1), id="demo-1", sender=USAGER, recipients=[DOCTOR]),
    )
    yield Step(
        "Dr Martin writes to the usager.",
        SubmitMessage(at=_on(2022, 2, 2), id="demo-2", sender=DOCTOR, recipients=[USAGER]),
    )
    yield Step(
        "The message is received.",
        ReportDelivery(at=_on(2022, 2, 2, 10), id="demo-2", recipient=USAGER, status="delivered"),
    )
    yield Step(
        "Now the usager may answer.",
        SubmitMessage(at=_on(2022, 2, 3), id="demo-3", sender=USAGER, recipients=[DOCTOR]),
    )
    yield Step(
        "Dr Martin ends the exchange with the subject [FIN].",
        SubmitMessage(at=_on(2022, 2, 4), id="demo-4", sender=DOCTOR, recipients=[USAGER], subject="[FIN]"),
    )
    yield Step(
        "The usager writes once more.",
        SubmitMessage(at=_on(2022, 2, 5), id="demo-5", sender=USAGER, recipients=[DOCTOR]),
    )
