"""Wards: small worlds of hospital, cabinet and usagers that never meet, with all that may happen in one.

The reference twin reads its whole past for every question. A log of many wards is given to as many twins, each
with a short past, so that it can be long. What all wards share is `COMMON`.
"""

from collections import deque
from datetime import timedelta
from random import Random
from typing import Final

from msgspec.structs import replace

from huissier import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
from huissier.adapters.testing.hospital import INSTANT, MES, PATIENTS, SINCE, with_key
from huissier.domain.commands import DeliveryStatus, OperatorKind

SIZE: Final = 100  # events, more or less
_MOST_SET_UP: Final = timedelta(microseconds=100)
_SHARED: Final = 40  # messages of a ward that every process submits, under the same id

Commands = list[AnyCommand]


def _one_after_the_other(since: timedelta, commands: Commands) -> Commands:
    """Give each its own moment, by which its fact is known again in the log."""
    return [replace(command, at=SINCE + since + place * INSTANT) for place, command in enumerate(commands)]


def _committed(operator: str, kind: OperatorKind) -> Commands:
    return [
        RegisterOperator(operator=operator, kind=kind),
        SignInstrument(operator=operator, instrument="contrat"),
        SignInstrument(operator=operator, instrument="annexe-2", referentiel="1.4"),
    ]


COMMON: Final = _one_after_the_other(
    timedelta(), [*_committed(MES, "usager"), AdmitDomain(domain=PATIENTS, operator=MES, hosted=True)]
)


class Ward:
    """One ward, as one process sees it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._operators = (f"ght-{number}", f"residences-{number}")
        self._hospital, self._cabinet, self._residents = (
            f"{name}-{number}.mssante.fr" for name in ("ch", "cabinet", "residents")
        )
        self._doctors = [f"dr.{name}@{self._hospital}" for name in ("a", "b", "c")]
        self._pharmacy = f"pharmacie@{self._hospital}"
        self._professionnels = [*self._doctors, self._pharmacy, f"dr.d@{self._cabinet}"]
        self._ins = [with_key(f"1{number // 300:02}1299000{number % 300 * 3 + person:03}") for person in range(3)]
        self._usagers = [*(f"{ins}@{PATIENTS}" for ins in self._ins), f"{self._ins[0]}@{self._residents}"]
        self._sent: deque[SubmitMessage] = deque([self._shared(0)], maxlen=8)

    def set_up(self) -> Commands:
        """Return what makes the ward: the same commands at the same moments, whoever gives them."""
        professionnel, residences = self._operators
        return _one_after_the_other(
            (self.number + 1) * _MOST_SET_UP,
            [
                *_committed(professionnel, "professionnel"),
                *_committed(residences, "usager"),
                self._admission(self._hospital),
                self._admission(self._cabinet),
                self._admission(self._residents),
                *(CreateMailbox(address=doctor, kind="PER") for doctor in self._doctors),
                CreateMailbox(address=self._pharmacy, kind="ORG", secteur="SA33"),
                *(OpenEns(ins=ins) for ins in self._ins[:2]),
            ],
        )

    def anything(self, chance: Random, id_: str) -> AnyCommand:
        """Return a command without its time; a new message is called `id_`."""
        kinds = (self._message, self._once, self._report, self._change_of_mailbox, self._trust_space, self._usager)
        (kind,) = chance.choices(kinds, weights=(60, 8, 16, 7, 5, 4))
        return kind(chance, id_)

    def _message(self, chance: Random, id_: str) -> AnyCommand:
        """Write: to a usager, as a usager, or among professionnels; sometimes the end of a contact."""
        professionnel, usager = chance.choice(self._professionnels), chance.choice(self._usagers)
        sender, recipients = chance.choice(
            (
                (professionnel, [usager]),
                (professionnel, [usager, *chance.sample(self._professionnels, 2)]),
                (usager, [professionnel]),
                (usager, chance.sample(self._professionnels, 2)),
                (chance.choice(self._doctors), [professionnel]),
                (usager, [chance.choice(self._usagers)]),
            )
        )
        message = SubmitMessage(
            id=id_,
            sender=sender,
            recipients=recipients,
            subject=chance.choice((None, None, None, "[FIN]")),
            mss_mes=chance.choice((None, None, None, "FIN")),
            message_id=f"<{chance.randrange(4)}@mx>",
            in_reply_to=chance.choice((None, f"<{chance.randrange(4)}@mx>")),
            final_hop=chance.random() < 0.5,
        )
        self._sent.append(message)
        return message

    def _once(self, chance: Random, _: str) -> AnyCommand:
        return self._shared(chance.randrange(_SHARED))

    def _shared(self, number: int) -> SubmitMessage:
        """Return one of the messages that several gateways submit at once, as after a fail-over."""
        return SubmitMessage(
            id=f"ward-{self.number}-{number}",
            sender=self._doctors[number % 3],
            recipients=[self._usagers[number % 4], self._doctors[(number + 1) % 3]],
            final_hop=number % 2 == 0,
        )

    def _report(self, chance: Random, _: str) -> AnyCommand:
        message = chance.choice(self._sent)
        status: DeliveryStatus = "delivered" if chance.random() < 0.7 else "undelivered"
        return ReportDelivery(id=message.id, recipient=chance.choice(message.recipients), status=status)

    def _change_of_mailbox(self, chance: Random, _: str) -> AnyCommand:
        address = chance.choice((*self._doctors, self._pharmacy, *self._usagers[:2]))
        step = chance.randrange(60)
        if step == 0:
            return DeleteMailbox(address=address)
        if step < 4:
            return SetListeRouge(address=self._pharmacy, liste_rouge=step < 2)
        return SuspendMailbox(address=address) if step < 20 else ResumeMailbox(address=address)

    def _trust_space(self, chance: Random, _: str) -> AnyCommand:
        domain = chance.choice((self._hospital, self._cabinet, self._residents))
        return WithdrawDomain(domain=domain) if chance.random() < 0.25 else self._admission(domain)

    def _usager(self, chance: Random, _: str) -> AnyCommand:
        ins = chance.choice(self._ins)
        kind = chance.choice((OpenEns, OpenEns, OpenEns, CloseEns, EraseUsager))
        return kind(ins=ins)

    def _admission(self, domain: str) -> AdmitDomain:
        operators = {self._hospital: self._operators[0], self._residents: self._operators[1]}
        return AdmitDomain(domain=domain, operator=operators.get(domain), hosted=domain == self._hospital)
