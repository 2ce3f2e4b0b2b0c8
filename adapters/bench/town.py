"""The town that is measured: a hospital, its usagers, and who writes to whom there without being refused."""

import random
from collections.abc import Iterator
from itertools import chain, count
from typing import Final

from huissier.adapters.deciding.engine import Engine
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CreateMailbox,
    OpenEns,
    OperatorKind,
    PublishCgu,
    RegisterOperator,
    SignCgu,
    SignInstrument,
    SubmitMessage,
)
from huissier.domain.rule_set import USAGERS_DOMAIN

HOSPITAL: Final = "ch-exemple.mssante.fr"
OPERATORS: Final = {HOSPITAL: "ght", USAGERS_DOMAIN: "mes"}
_KINDS: Final[dict[str, OperatorKind]] = {"ght": "professionnel", "mes": "usager"}


class Town:
    """As many professionnels as usagers; each usager may write to the professionnel who wrote to them."""

    def __init__(self, people: int) -> None:
        """Name `people` professionnels and as many usagers."""
        self.professionnels = [f"dr.{number}@{HOSPITAL}" for number in range(people)]
        self._ins = [_ins(number) for number in range(people)]
        self.usagers = [f"{ins}@{USAGERS_DOMAIN}" for ins in self._ins]
        self._contacts = list(zip(self.usagers, self.professionnels, strict=True))

    def settle(self, engine: Engine) -> None:
        """Found the town in a new store."""
        engine.handle_many(_operators())
        engine.handle_many(chain.from_iterable(map(_employed, self.professionnels)))
        engine.handle_many(OpenEns(ins=ins) for ins in self._ins)
        engine.handle_many(
            SubmitMessage(id=f"open-{number}", sender=professionnel, recipients=[usager], final_hop=True)
            for number, (usager, professionnel) in enumerate(self._contacts)
        )

    def submissions(self, seed: int) -> Iterator[SubmitMessage]:
        """Yield submissions without end, by professionnels and by usagers in turn, all of which are accepted.

        Another seed gives other ids.
        """
        chance = random.Random(seed)  # noqa: S311 not a secret
        for number in count():
            pair = chance.choice(self._contacts) if number % 2 else chance.sample(self.professionnels, 2)
            yield _submission(chance, number, *pair)


def _operators() -> Iterator[AnyCommand]:
    for operator, kind in _KINDS.items():
        yield RegisterOperator(operator=operator, kind=kind)
        yield SignInstrument(operator=operator, instrument="contrat")
        yield SignInstrument(operator=operator, instrument="annexe-2", referentiel="1.4")
    yield PublishCgu(operator="ght", version="1", deadline="2022-01-01")
    for domain, operator in OPERATORS.items():
        yield AdmitDomain(domain=domain, operator=operator, hosted=True)


def _employed(address: str) -> Iterator[AnyCommand]:
    yield CreateMailbox(address=address, kind="PER")
    yield SignCgu(mailbox=address, version="1")


def _ins(number: int) -> str:
    """Return a made-up INS (born abroad, département 99) with its key."""
    matricule = f"17912991{number:05}"
    return f"{matricule}{97 - int(matricule) % 97:02}"


def _submission(chance: random.Random, number: int, sender: str, recipient: str) -> SubmitMessage:
    return SubmitMessage(
        id=f"{chance.getrandbits(40):010X}.{number}",
        sender=sender,
        recipients=[recipient],
        message_id=f"<{chance.getrandbits(64):x}@{HOSPITAL}>",
        size=chance.randrange(1_000, 5_000_000),
    )
