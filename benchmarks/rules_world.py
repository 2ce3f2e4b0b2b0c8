"""The trust space that rules are measured on, who writes to whom in it, and a plain function that says who may."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple, TypedDict

from huissier.domain import events as e
from huissier.domain.rule_set import USAGERS_DOMAIN
from huissier.domain.vocabulary.address import MailboxAddress

THEN, NOW = datetime(2023, 6, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
TOO_LARGE = 25_000_001


class OperatorRow(TypedDict):
    contrat: bool
    committed: bool
    cgu: str | None


class DomainRow(TypedDict):
    admitted: bool
    hosted: bool
    usagers: bool
    operator: str | None


class MailboxRow(TypedDict):
    domain: str
    status: str
    pharmacy: bool
    signed: str | None


class World(NamedTuple):
    """A trust space as tables; contacts by (usager, professionnel), `open`, `ended` or `reopened`."""

    operators: dict[str, OperatorRow]
    domains: dict[str, DomainRow]
    mailboxes: dict[str, MailboxRow]
    contacts: dict[tuple[str, str], str]


class Probe(NamedTuple):
    """One message to one recipient, by canonical addresses."""

    sender: str
    recipient: str
    size: int


def build(mailboxes: int, contacts: int, chance: random.Random) -> World:
    """Make a trust space: 50 domains of professionnels under ten operators, two mailboxes in five usagers'."""
    world = World({}, {}, {}, {})
    for number in range(10):
        world.operators[f"op-{number}"] = OperatorRow(contrat=number < 9, committed=number < 8, cgu="2025")
    world.operators["mes"] = OperatorRow(contrat=True, committed=True, cgu=None)
    for number in range(50):  # 42 hosted (one by each of the two operators not in order), four remote, four withdrawn
        runs_it = f"op-{number % 8}" if number < 40 else f"op-{number - 32}" if number < 42 else None
        world.domains[f"d{number}.mssante.fr"] = DomainRow(
            admitted=number < 46, hosted=number < 42, usagers=False, operator=runs_it
        )
    world.domains[USAGERS_DOMAIN] = DomainRow(admitted=True, hosted=True, usagers=True, operator="mes")
    professionnels = [f"dr.{number}@d{number % 42}.mssante.fr" for number in range(mailboxes * 3 // 5)]
    usagers = [_usager(number) for number in range(mailboxes - len(professionnels))]
    for address in (*professionnels, *usagers):
        world.mailboxes[address] = _mailbox(address, chance)
    while len(world.contacts) < contacts:
        pair = chance.choice(usagers), chance.choice(professionnels)
        world.contacts[pair] = chance.choices(("open", "ended", "reopened"), (7, 2, 1))[0]
    return world


def _usager(number: int) -> str:
    return MailboxAddress.of_fact(f"@{USAGERS_DOMAIN}").under_pseudonym(f"{number:026}").text


def _mailbox(address: str, chance: random.Random) -> MailboxRow:
    domain = address.partition("@")[2]
    usager = domain == USAGERS_DOMAIN
    return MailboxRow(
        domain=domain,
        status=chance.choices(("active", "suspended", "deleted"), (95, 3, 2))[0],
        pharmacy=not usager and chance.random() < 0.02,
        signed=None if usager or chance.random() < 0.05 else "2025",
    )


def probing(world: World, chance: random.Random) -> Iterator[Probe]:
    """Yield who writes to whom, nine in ten as a gateway sees it and one in ten against some rule."""
    by_kind: dict[bool, list[str]] = {True: [], False: []}
    for address, mailbox in world.mailboxes.items():
        by_kind[mailbox["domain"] == USAGERS_DOMAIN].append(address)
    usagers, professionnels = by_kind[True], by_kind[False]
    pharmacies = [address for address in professionnels if world.mailboxes[address]["pharmacy"]]
    contacts = list(world.contacts)
    some: tuple[tuple[int, Callable[[], tuple[str, str]]], ...] = (
        (40, lambda: (chance.choice(professionnels), chance.choice(professionnels))),
        (20, lambda: (chance.choice(professionnels), chance.choice(usagers))),
        (25, lambda: chance.choice(contacts)),
        (3, lambda: (chance.choice(usagers), chance.choice(pharmacies))),
        (3, lambda: (chance.choice(professionnels), f"dr.far@d{chance.randrange(42, 50)}.mssante.fr")),
        (3, lambda: (f"dr.far@d{chance.randrange(42, 50)}.mssante.fr", chance.choice(professionnels))),
        (3, lambda: (chance.choice(usagers), chance.choice(professionnels))),
        (2, lambda: (chance.choice(usagers), chance.choice(usagers))),
        (1, lambda: (chance.choice(professionnels), f"nobody@d{chance.randrange(42)}.mssante.fr")),
        (1, lambda: (f"nobody@d{chance.randrange(42)}.mssante.fr", chance.choice(professionnels))),
    )
    weights, kinds = zip(*some, strict=True)
    while True:
        (kind,) = chance.choices(kinds, weights)
        sender, recipient = kind()
        yield Probe(sender, recipient, TOO_LARGE if chance.random() < 0.01 else 50_000)


def plainly_accepted(world: World, sender: str, recipient: str, size: int) -> bool:
    """Answer yes or no, at the first reason against it, as one would write it without this library."""
    from_name, to_name = sender.partition("@")[2], recipient.partition("@")[2]
    from_domain, to_domain = world.domains.get(from_name), world.domains.get(to_name)
    if not (from_domain and to_domain and from_domain["admitted"] and to_domain["admitted"]):
        return False
    with_usager = from_domain["usagers"] or to_domain["usagers"]
    for address, domain in ((sender, from_domain), (recipient, to_domain)):
        if not domain["hosted"]:
            continue
        mailbox = world.mailboxes.get(address)
        if mailbox is None or mailbox["status"] != "active":
            return False
        operator = world.operators[domain["operator"]] if domain["operator"] else None
        if operator is None or not operator["contrat"] or (with_usager and not operator["committed"]):
            return False
        if address == sender and operator["cgu"] and mailbox["signed"] != operator["cgu"]:
            return False
    if to_domain["usagers"] and (from_domain["usagers"] or size >= TOO_LARGE):
        return False
    if not from_domain["usagers"]:
        return True
    contact = world.contacts.get((sender, recipient))
    if contact is None:
        known = world.mailboxes.get(recipient)
        return known is not None and known["pharmacy"]
    return contact != "ended"


def history(world: World) -> Iterator[e.AnyEvent]:
    """Tell the log that leads to the world."""
    for name, operator in world.operators.items():
        yield e.OperatorRegistered(at=THEN, operator=name, kind="usager" if name == "mes" else "professionnel")
        if operator["contrat"]:
            yield e.InstrumentSigned(at=THEN, operator=name, instrument="contrat")
        if operator["committed"]:
            yield e.InstrumentSigned(at=THEN, operator=name, instrument="annexe-2", referentiel="1.4")
        if operator["cgu"]:
            yield e.CguPublished(at=THEN, operator=name, version=operator["cgu"], deadline=THEN)
    for name, domain in world.domains.items():
        yield e.DomainAdmitted(at=THEN, domain=name, operator=domain["operator"], hosted=domain["hosted"])
        if not domain["admitted"]:
            yield e.DomainWithdrawn(at=THEN, domain=name)
    for address, mailbox in world.mailboxes.items():
        yield from _life_of(address, mailbox, world)
    for (usager, professionnel), state in world.contacts.items():
        yield _delivered(usager, professionnel, sent=1)
        if state != "open":
            yield _fin(usager, professionnel)
        if state == "reopened":
            yield _delivered(usager, professionnel, sent=10**9)


def _life_of(address: str, mailbox: MailboxRow, world: World) -> Iterator[e.AnyEvent]:
    if mailbox["domain"] == USAGERS_DOMAIN:
        yield e.EnsOpened(at=THEN, address=address)
    elif mailbox["pharmacy"]:
        yield e.MailboxCreated(at=THEN, address=address, kind="ORG", secteur="SA33")
    else:
        yield e.MailboxCreated(at=THEN, address=address, kind="PER")
    if mailbox["signed"] and (operator := world.domains[mailbox["domain"]]["operator"]):
        yield e.CguSigned(at=THEN, mailbox=address, operator=operator, version=mailbox["signed"])
    if mailbox["status"] == "suspended":
        yield e.MailboxSuspended(at=THEN, address=address)
    if mailbox["status"] == "deleted":
        yield e.MailboxDeleted(at=THEN, address=address)


def _delivered(usager: str, professionnel: str, sent: int) -> e.MessageDelivered:
    opens = (professionnel,)
    return e.MessageDelivered(at=THEN, id="m", recipient=usager, sent=sent, sent_at=THEN, usager=True, opens=opens)


def _fin(usager: str, professionnel: str) -> e.MessageDecided:
    verdict = e.VerdictGiven(recipient=usager, accepted=True, usager=True, reasons=())
    return e.MessageDecided(at=THEN, id="m", sender=professionnel, verdicts=(verdict,), rules="", ends=(professionnel,))
