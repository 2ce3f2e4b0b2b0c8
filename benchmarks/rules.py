"""Pure rule decisions a second, in process: ours, a plain Python function, and Cedar, on the same trust space.

All are asked about the same probes (one message to one recipient) on the same 10,000 mailboxes and 20,000
contacts, and all must accept and refuse the same ones before anything is measured; Cedar must also name the same
refusal codes. Nothing is read from a vault or a log and nothing is recorded. All run in one thread and are timed
in CPU seconds, so that a busy neighbour matters less.

Left out for all: certificates, answers to a FIN message, and messages to professionnels and usagers at once.
"""

import importlib
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from time import process_time
from typing import Any, NamedTuple, TypedDict

from benchmarks.measure import Report, arguments, say
from huissier.adapters.bench.turns import Figure, lap, rate, take_turns
from huissier.domain import events as e
from huissier.domain.commands import SubmitMessage
from huissier.domain.contact import UNKNOWN as NO_CONTACT
from huissier.domain.facts import Facts
from huissier.domain.home import Homes
from huissier.domain.identities import Identities
from huissier.domain.message import decide_message
from huissier.domain.needs import needs
from huissier.domain.rule_set import USAGERS_DOMAIN, RuleBook
from huissier.domain.rules import Exchange, Party, acceptances, refusals
from huissier.domain.tags import TRUST_SPACE, tags_of
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.address import MailboxAddress

THEN, NOW = datetime(2023, 6, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
RULES = RuleBook().at(NOW)
TOO_LARGE = 25_000_001
BATCH = 500

PLAIN = "plain Python function"
OURS = "decide_message"
OURS_RULES = "rules alone"
CEDAR = "cedarpy, one a call"
CEDAR_BATCH = f"cedarpy, {BATCH} a call"
CEDAR_JSON = "cedarpy, entities brought as JSON"


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


def main(argv: list[str] | None = None) -> None:
    """Check that all agree, measure, and print."""
    options = arguments(__doc__, rounds=5).parse_args(argv)
    mailboxes, contacts, asked = (200, 400, 200) if options.quick else (10_000, 20_000, 2_500)
    rounds, slices = (1, 1) if options.quick else (options.rounds, 4)
    say("building the trust space")
    chance = random.Random(1)
    world = build(mailboxes, contacts, chance)
    probes = list(islice(probing(world, chance), asked))
    ours = Ours(world, probes)
    notes = [ours.check(world, probes)]
    contestants: dict[str, tuple[int, Callable[[], object]]] = {  # with so many passes that a round takes a while
        PLAIN: (20, lambda: [plainly_accepted(world, *probe) for probe in probes]),
        OURS_RULES: (6, lambda: [refusals(x) or acceptances(x) for x in ours.exchanges]),
        OURS: (3, ours.decide_all),
    }
    if (cedarpy := _cedarpy()) is None:
        notes.append("cedarpy not installed: left out")
    else:
        say("building the same trust space for Cedar")
        cedar = Cedar(cedarpy, world, probes)
        notes.append(cedar.check(ours))
        contestants |= {
            CEDAR: (1, cedar.one_by_one),
            CEDAR_BATCH: (1, cedar.in_batches),
            CEDAR_JSON: (1, cedar.from_json),
        }
    timed = {
        name: partial(lap, partial(_times, passes, work), passes * asked, clock=process_time)
        for name, (passes, work) in contestants.items()
    }
    found = take_turns(timed, rounds, slices=slices)
    figures = [rate(name, "decisions/CPU second", laps) for name, laps in found.items()]
    Report("uv run --group bench python -m benchmarks.rules", _ratios(figures), figures, notes).show(
        as_json=options.json
    )


def _times(passes: int, work: Callable[[], object]) -> None:
    for _ in range(passes):
        work()


def _ratios(figures: list[Figure]) -> list[Figure]:
    by_name = {figure.name: figure for figure in figures}
    others = (PLAIN, CEDAR, CEDAR_BATCH, CEDAR_JSON)
    return [
        by_name[ours].over(by_name[other], f"{ours} / {other}")
        for ours in (OURS, OURS_RULES)
        for other in others
        if other in by_name
    ]


# The trust space and what is asked of it


def build(mailboxes: int, contacts: int, chance: random.Random) -> World:
    """Make a trust space: 50 domains of professionnels under ten operators, two mailboxes in five usagers'."""
    world = World({}, {}, {}, {})
    for number in range(10):
        world.operators[f"op-{number}"] = OperatorRow(contrat=number < 9, committed=number < 8, cgu="2025")
    world.operators["mes"] = OperatorRow(contrat=True, committed=True, cgu=None)
    for number in range(50):  # 42 hosted (one by each operator that is not in order), four remote, four withdrawn
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


# A plain function


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


# Ours


class Ours:
    """The world as facts in memory, and each probe as the engine hands it to the domain."""

    def __init__(self, world: World, probes: list[Probe]) -> None:
        self.facts = Facts()
        self.homes = Homes(self.facts)
        log = [Fact(event.at, position, event) for position, event in enumerate(history(world), 1)]
        passed_over = ("submission:", TRUST_SPACE)  # no probe asks for them
        self.facts.learn({tag for fact in log for tag in tags_of(fact.event) if not tag.startswith(passed_over)})
        for fact in log:
            self.facts.add(tags_of(fact.event), fact)
        self.asked = [self._asked(number, probe) for number, probe in enumerate(probes)]
        self.exchanges = [self._exchange(command, identities) for command, identities in self.asked]

    def _asked(self, number: int, probe: Probe) -> tuple[SubmitMessage, Identities]:
        command = SubmitMessage(id=f"m-{number}", sender=probe.sender, recipients=[probe.recipient], size=probe.size)
        addresses = {text: MailboxAddress.of_fact(text) for text in (probe.sender, probe.recipient)}
        identities = Identities(addresses=addresses, submission=command.id)
        for missing in needs([(command, identities)], self.facts):
            self.facts.learn(missing)
        return command, identities

    def _exchange(self, command: SubmitMessage, identities: Identities) -> Exchange:
        sender, recipient = (self._party(identities.addresses[raw]) for raw in (command.sender, *command.recipients))
        contact = NO_CONTACT
        if sender.home.usager and not recipient.home.usager and sender.address and recipient.address:
            contact = self.facts.contact(sender.address, recipient.address).as_of(NOW)
        return Exchange(NOW, sender, recipient, contact, False, None, (), command.size, False)

    def _party(self, address: MailboxAddress | None) -> Party:
        if address is None:
            raise ValueError("all addresses of the probes can be read")
        return Party(address, self.homes.of(address, NOW, RULES), self.facts.mailbox(address).as_of(NOW))

    def decide_all(self) -> list[e.MessageDecided]:
        """Decide each probe as the engine has it decided."""
        return [decide_message(command, identities, NOW, self.facts, RULES) for command, identities in self.asked]

    def codes(self) -> list[set[str]]:
        """Return the reasons against each probe, from the whole decision."""
        given = [decided.verdicts[0] for decided in self.decide_all()]
        return [set() if v.accepted else {str(reason.code) for reason in v.reasons} for v in given]

    def check(self, world: World, probes: list[Probe]) -> str:
        """Make sure that the decision, the rules alone and the plain function agree on every probe."""
        codes = self.codes()
        for probe, x, against in zip(probes, self.exchanges, codes, strict=True):
            if {str(reason.code) for reason in refusals(x)} != against:
                raise SystemExit(f"the rules alone disagree on {probe}")
            if plainly_accepted(world, *probe) != (not against):
                raise SystemExit(f"the plain function disagrees on {probe}: {against}")
        accepted = sum(not against for against in codes)
        named = sorted(set().union(*codes))
        return (
            f"{len(world.mailboxes)} mailboxes, {len(world.contacts)} contacts;"
            f" {len(probes)} probes, {accepted} accepted, all agree; reasons to refuse: {', '.join(named)}"
        )


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


# Cedar

POLICIES = """
permit(principal, action == Action::"send", resource);
@id("SENDER_DOMAIN_NOT_ADMITTED") forbid(principal, action, resource) when { !principal.domain.admitted };
@id("RECIPIENT_DOMAIN_NOT_ADMITTED") forbid(principal, action, resource) when { !resource.domain.admitted };
@id("SENDER_UNKNOWN") forbid(principal, action, resource)
  when { principal.domain.hosted && principal.status == "unknown" };
@id("RECIPIENT_UNKNOWN") forbid(principal, action, resource)
  when { resource.domain.hosted && resource.status == "unknown" };
@id("SENDER_DELETED") forbid(principal, action, resource) when { principal.status == "deleted" };
@id("RECIPIENT_DELETED") forbid(principal, action, resource) when { resource.status == "deleted" };
@id("SENDER_SUSPENDED") forbid(principal, action, resource) when { principal.status == "suspended" };
@id("RECIPIENT_SUSPENDED") forbid(principal, action, resource) when { resource.status == "suspended" };
@id("OPERATOR_NOT_CONTRACTED") forbid(principal, action, resource) when {
  (principal.domain.hosted && !principal.domain.operator.contrat) ||
  (resource.domain.hosted && !resource.domain.operator.contrat) };
@id("OPERATOR_NOT_COMMITTED") forbid(principal, action, resource) when {
  (principal.domain.usagers || resource.domain.usagers) && (
    (principal.domain.hosted && !principal.domain.operator.committed) ||
    (resource.domain.hosted && !resource.domain.operator.committed)) };
@id("CGU_NOT_SIGNED") forbid(principal, action, resource) when {
  principal.domain.hosted && principal.status != "unknown" && principal.domain.operator has cgu &&
  !(principal has signed && principal.signed == principal.domain.operator.cgu) };
@id("USAGER_TO_USAGER") forbid(principal, action, resource)
  when { principal.domain.usagers && resource.domain.usagers };
@id("CONTACT_NOT_OPENED") forbid(principal, action, resource) when {
  principal.domain.usagers && !resource.domain.usagers && !resource.pharmacy &&
  !principal.open.contains(resource) && !principal.ended.contains(resource) };
@id("CONTACT_ENDED") forbid(principal, action, resource) when {
  principal.domain.usagers && !resource.domain.usagers && principal.ended.contains(resource) };
@id("MESSAGE_TOO_LARGE") forbid(principal, action, resource)
  when { resource.domain.usagers && context.size > 25000000 };
"""


def _cedarpy() -> Any:
    try:
        return importlib.import_module("cedarpy")
    except ImportError:
        return None


class Cedar:
    """The world as Cedar entities, contacts as sets on the usager; addresses nobody has are entities as well."""

    def __init__(self, cedarpy: Any, world: World, probes: list[Probe]) -> None:
        self._cedarpy = cedarpy
        self._policies = cedarpy.PolicySet.from_str(POLICIES)
        entities = _entities(world, probes)
        self._all = cedarpy.Entities.from_json_str(json.dumps(list(entities.values())))
        self._requests = [_request(probe) for probe in probes]
        self._relevant = [json.dumps(_relevant(entities, world, probe)) for probe in probes]

    def one_by_one(self) -> list[Any]:
        """Ask one question a call."""
        ask = self._cedarpy.is_authorized
        return [ask(request, self._policies, self._all) for request in self._requests]

    def in_batches(self) -> list[Any]:
        """Ask many questions a call."""
        ask, every = self._cedarpy.is_authorized_batch, range(0, len(self._requests), BATCH)
        return [a for i in every for a in ask(self._requests[i : i + BATCH], self._policies, self._all)]

    def from_json(self) -> list[Any]:
        """Ask one question a call and bring only the entities it is about, as text."""
        ask = self._cedarpy.is_authorized
        asked = zip(self._requests, self._relevant, strict=True)
        return [ask(request, self._policies, entities) for request, entities in asked]

    def check(self, ours: Ours) -> str:
        """Make sure that Cedar names the same reasons to refuse every probe, asked in each way."""
        codes = ours.codes()
        for answers in (self.one_by_one(), self.in_batches(), self.from_json()):
            for request, answer, against in zip(self._requests, answers, codes, strict=True):
                found = set(answer.diagnostics.id_annotations_by_reason.values())
                if answer.allowed != (not against) or found != against or answer.diagnostics.errors:
                    raise SystemExit(f"Cedar disagrees on {request}: {found}, not {against}")
        return "Cedar agrees on every probe and names the same reasons to refuse"


def _request(probe: Probe) -> dict[str, object]:
    return {
        "principal": _uid("Mailbox", probe.sender),
        "action": _uid("Action", "send"),
        "resource": _uid("Mailbox", probe.recipient),
        "context": json.dumps({"size": probe.size}),
    }


Entity = dict[str, Any]


def _entities(world: World, probes: list[Probe]) -> dict[str, Entity]:
    found = {}
    for name, operator in world.operators.items():
        found[name] = _entity("Operator", name, {k: v for k, v in operator.items() if v is not None})
    for name, domain in world.domains.items():
        attributes = {k: v for k, v in domain.items() if k != "operator"}
        if domain["operator"]:
            attributes["operator"] = _reference("Operator", domain["operator"])
        found[name] = _entity("Domain", name, attributes)
    for address, mailbox in world.mailboxes.items():
        found[address] = _mailbox_entity(address, mailbox)
    for address in {address for probe in probes for address in probe[:2]} - world.mailboxes.keys():
        nobody = MailboxRow(domain=address.partition("@")[2], status="unknown", pharmacy=False, signed=None)
        found[address] = _mailbox_entity(address, nobody)
    for (usager, professionnel), state in world.contacts.items():
        which = "ended" if state == "ended" else "open"
        found[usager]["attrs"][which].append(_reference("Mailbox", professionnel))
    return found


def _mailbox_entity(address: str, mailbox: MailboxRow) -> Entity:
    attributes: dict[str, Any] = {"status": mailbox["status"], "pharmacy": mailbox["pharmacy"]}
    attributes["domain"] = _reference("Domain", mailbox["domain"])
    if mailbox["signed"]:
        attributes["signed"] = mailbox["signed"]
    if mailbox["domain"] == USAGERS_DOMAIN:
        attributes |= {"open": [], "ended": []}
    return _entity("Mailbox", address, attributes)


def _relevant(entities: dict[str, Entity], world: World, probe: Probe) -> list[Entity]:
    """Return the two mailboxes with their domains and operators."""
    domains = [address.partition("@")[2] for address in (probe.sender, probe.recipient)]
    operators = [world.domains[domain]["operator"] for domain in domains]
    wanted = dict.fromkeys(name for name in (probe.sender, probe.recipient, *domains, *operators) if name)
    return [entities[name] for name in wanted]


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _reference(kind: str, name: str) -> dict[str, dict[str, str]]:
    return {"__entity": _uid(kind, name)}


def _entity(kind: str, name: str, attributes: dict[str, Any]) -> Entity:
    return {"uid": _uid(kind, name), "attrs": attributes, "parents": []}


if __name__ == "__main__":
    main()
