"""A second opinion on the rules, from Cedar: `rules.cedar` says them again, and this says what it is asked about.

An exchange is told as Cedar tells things, by entities with attributes: what stands in the state, not what the rules
make of it. Two things are worked out on the way, for Cedar has no loops: which versions of the CGU are asked of a
mailbox, and of several pairs with one certificate the one that stands longest.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import cedarpy

from huissier.domain.contact import UNKNOWN as NO_CONTACT
from huissier.domain.contact import Contact
from huissier.domain.operator import AVENANT, Operator
from huissier.domain.rule_set import RuleSet
from huissier.domain.rules import Exchange, Party
from huissier.domain.trust_space import AdmittedDomain
from huissier.domain.vocabulary.identifiers import version_key

POLICIES: Final = Path(__file__).with_name("rules.cedar").read_text("utf-8")
SCHEMA: Final = Path(__file__).with_name("rules.cedarschema").read_text("utf-8")
_UNPAIRED: Final = "a name that cannot be read"
_FOR_EVER: Final = 2**62

Entity = dict[str, Any]


class Opinion(NamedTuple):
    """What Cedar says of an exchange: whether it may pass, and the codes of the policies that made it so."""

    allowed: bool
    codes: frozenset[str]


class _Told(NamedTuple):
    """An entity, and those it speaks of."""

    entity: Entity
    others: tuple[Entity, ...] = ()


class Asked(NamedTuple):
    """A request, and the entities it is about."""

    request: dict[str, Any]
    entities: list[Entity]


@cache
def policies() -> cedarpy.PolicySet:
    """Return the rules, parsed once."""
    return cedarpy.PolicySet.from_str(POLICIES)


def opinions(exchanges: Sequence[Exchange]) -> list[Opinion]:
    """Ask Cedar about many exchanges at once."""
    asked = [asked_about(x) for x in exchanges]
    return [
        opinion(a) for a in cedarpy.is_authorized_batch([each.request for each in asked], policies(), together(asked))
    ]


def together(asked: Sequence[Asked]) -> cedarpy.Entities:
    """Return the entities of many requests, each once."""
    entities = {entity["uid"]["id"]: entity for each in asked for entity in each.entities}
    return cedarpy.Entities.from_json_str(json.dumps(list(entities.values())))


def opinion(answer: Any) -> Opinion:
    """Read an answer of Cedar's. Raises `ValueError` where a policy could not be evaluated."""
    if answer.diagnostics.errors:
        raise ValueError(answer.diagnostics.errors)
    return Opinion(answer.allowed, frozenset(answer.diagnostics.id_annotations_by_reason.values()))


def asked_about(x: Exchange) -> Asked:
    """Tell an exchange as a request with its entities."""
    recipient, theirs = _mailbox(x.recipient, _limit(x.recipient, x), x.at, NO_CONTACT, None)
    sender, ours = _mailbox(x.sender, _limit(x.sender, x), x.at, x.contact, recipient["uid"]["id"])
    rules = _rules(x.sender.home.rules)
    context: dict[str, Any] = {
        "now": _micros(x.at),
        "inReplyTo": list(x.in_reply_to),
        "unanswerable": [digest for digest, _ in x.contact.unanswerable],
        "mixed": x.mixed,
        "rules": {"__entity": rules["uid"]},
        **_known(size=x.size),
    }
    if x.certificate_known:
        context["certificate"] = _UNPAIRED if x.certificate is None else str(x.certificate)
    send = {"type": "Action", "id": "send"}
    request = {"principal": sender["uid"], "action": send, "resource": recipient["uid"], "context": context}
    return Asked(request, [sender, *ours, recipient, *theirs, rules])


def _limit(party: Party, x: Exchange) -> int | None:
    return None if party.address is None else x.sender.home.rules.size_limits.get(party.address.domain)


def _rules(rules: RuleSet) -> Entity:
    options = rules.options
    attributes = {
        "usagers": rules.usagers,
        "usagersSince": _ordinal(version_key(rules.usagers_since_referentiel)),
        "commitmentDeadline": _micros(rules.commitment_deadline),
        "mixedRecipients": rules.mixed_recipients,
        "secteurs": sorted(rules.pharmacy_secteurs),
        "grace": options.withdrawal_grace_days * 24 * 3600 * 1_000_000,
        "reopening": options.reopening,
        "eachCgu": options.cgu_signature == "each-version",
        "uncommittedStop": options.uncommitted_operators == "no-mail",
        "avenantCame": _micros(options.avenant_for_contracts_before),
        **_known(usagersSizeLimit=rules.usagers_size_limit),
    }
    return _entity("RuleSet", attributes)


@cache
def _mailbox(party: Party, limit: int | None, now: datetime, contact: Contact, other: str | None) -> _Told:
    domain, behind = _domain(party.home.domain, party.home.operator, limit, now)
    box, there = party.mailbox, [{"__entity": {"type": "Mailbox", "id": other}}]
    reopened = contact.opened and contact.ended and contact.opened > contact.ended
    attributes = {
        "readable": party.address is not None,
        "usager": party.home.usager,
        "domain": {"__entity": domain["uid"]},
        "status": box.status or "none",
        "listeRouge": box.liste_rouge,
        "signed": [json.dumps([cgu.operator, cgu.version]) for cgu in box.signed],
        "received": there if contact.opened else [],
        "ended": there if contact.ended else [],
        "reopened": there if reopened else [],
        **_known(kind=box.kind, secteur=box.created and box.created.secteur),
    }
    return _Told(_entity("Mailbox", attributes, named=party.address.text if party.address else ""), (domain, *behind))


@cache
def _domain(domain: AdmittedDomain, run_by: Operator, limit: int | None, now: datetime) -> _Told:
    attributes = {
        "admitted": domain.admitted,
        "hosted": domain.hosted,
        **_known(withdrawnAt=domain.withdrawn_at and _micros(domain.withdrawn_at), sizeLimit=limit),
    }
    tags: dict[str, int] = {}
    for pair in domain.pairs:
        names = [value for kind, value in pair.dn.attributes if kind == "CN"]
        until = _FOR_EVER if pair.withdrawn_at is None else _micros(pair.withdrawn_at)
        for name in (str(pair.dn), *(f"cn:{name}" for name in names if len(names) == 1)):
            tags[name] = max(until, tags.get(name, until))
    if domain.operator is None:
        return _Told(_entity("Domain", attributes, tags))
    operator = _operator(domain.operator, run_by, now)
    return _Told(_entity("Domain", {**attributes, "operator": {"__entity": operator["uid"]}}, tags), (operator,))


@cache
def _operator(name: str, operator: Operator, now: datetime) -> Entity:
    def written(versions: list[str]) -> list[str]:
        return [json.dumps([name, version]) for version in versions]

    published = [(cgu.version, cgu.deadline is None or cgu.deadline < now) for cgu in operator.cgu]
    due = [place for place, (_, over) in enumerate(published) if over]
    attributes = {
        "avenant": any(signature.instrument == AVENANT for signature in operator.signatures),
        "cgu": written([version for version, _ in published]),
        "cguAsked": written([version for version, _ in published[max(due) :]] if due else []),
        **_known(contrat=operator.contrat and _micros(operator.contrat.at)),
        **_known(annexe2=None if operator.annexe_2 is None else _ordinal(operator.annexe_2)),
    }
    return _entity("Operator", attributes)


def _entity(
    kind: str, attributes: dict[str, Any], tags: dict[str, int] | None = None, named: str | None = ""
) -> Entity:
    """Make an entity whose id follows from all that is said of it: the same thing in another state is another."""
    told = {"attrs": attributes, "tags": tags or {}}
    digest = blake2b(json.dumps([named, told]).encode(), digest_size=16).hexdigest()
    return {"uid": {"type": kind, "id": digest}, **told, "parents": []}


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _ordinal(version: tuple[int, ...]) -> int:
    """Give a version of up to four numbers below ten thousand its place among all."""
    numbers = (*version, 0, 0, 0, 0)[:4]
    return sum(number * 10_000**power for number, power in zip(numbers, (3, 2, 1, 0), strict=True))
