"""Rule 10, open point: whether each version must be signed or any is enough."""

from datetime import UTC, datetime

import pytest

from huissier.adapters.deciding.engine import Engine
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    PublishCgu,
    RegisterOperator,
    SignCgu,
    SignInstrument,
    SubmitMessage,
)
from huissier.domain.rule_set import Options

DOCTOR = "dr.a@ch-exemple.mssante.fr"
AT = datetime(2026, 3, 1, tzinfo=UTC)
GIVEN: tuple[AnyCommand, ...] = (
    RegisterOperator(at=AT, operator="ght", kind="professionnel"),
    SignInstrument(at=AT, operator="ght", instrument="contrat"),
    AdmitDomain(at=AT, domain="ch-exemple.mssante.fr", operator="ght", hosted=True),
    CreateMailbox(at=AT, address=DOCTOR, kind="PER"),
    PublishCgu(at=AT, operator="ght", version="one"),
)
LATER = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(("option", "outcome"), [("each-version", "refused"), ("any-version", "accepted")])
def test_having_signed_an_older_version_is_enough_only_under_the_option(option: str, outcome: str) -> None:
    with Engine("sqlite://", options=Options(cgu_signature=option)) as engine:  # type: ignore[arg-type]
        engine.handle_many(GIVEN)
        message = SubmitMessage(id="m", sender=DOCTOR, recipients=[DOCTOR], at=LATER)
        assert engine.check(message)[0].reasons[0].code == "CGU_NOT_SIGNED"
        engine.handle(SignCgu(at=AT, mailbox=DOCTOR, version="one"))
        engine.handle(PublishCgu(at=LATER, operator="ght", version="two"))
        assert engine.check(message).outcome == outcome
