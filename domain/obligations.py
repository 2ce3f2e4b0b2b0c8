"""Obligations: which instruments operators lack, and which mailboxes' holders have not signed the CGU (rules 10, 11).

Only hosted domains are looked at: for a remote one its admission is the evidence. What is not overdue has a deadline
that is still to come.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import attrgetter

from msgspec import Struct

from huissier.domain.mailbox import DELETED, Mailbox
from huissier.domain.operator import ANNEXE_2, AVENANT, CONTRAT, Operator, PublishedCgu
from huissier.domain.rule_set import RuleSet
from huissier.domain.timeline import Timeline
from huissier.domain.trust_space import UNKNOWN, AdmittedDomain, evolve


class InstrumentLacking(Struct, frozen=True, tag="instrument-lacking", tag_field="type"):
    """An instrument that an operator of hosted domains has not signed.

    `operator` is None where hosted domains have none. `deadline`: the end of the time to comply, None where there
    is none. `since`: from when on it is overdue, None where it is not yet.
    """

    operator: str | None
    instrument: str
    referentiel: str | None
    domains: tuple[str, ...]
    deadline: datetime | None
    since: datetime | None

    @property
    def overdue(self) -> bool:
        """Whether it should have been signed by now."""
        return self.since is not None


class CguLacking(Struct, frozen=True, tag="cgu-lacking", tag_field="type"):
    """A version of the CGU that a mailbox's holder has not signed; `deadline` and `since` as for an instrument."""

    mailbox: str
    operator: str
    version: str
    deadline: datetime | None
    since: datetime | None

    @property
    def overdue(self) -> bool:
        """Whether the mailbox may no longer send."""
        return self.since is not None


class Hosting(Struct, frozen=True):
    """The hosted domains of an operator that are in the trust space as of a time, and since when it hosts each."""

    since_by_domain: Mapping[str, datetime]

    @property
    def domains(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.since_by_domain)

    @property
    def since(self) -> datetime:
        """Since when it hosts any."""
        return min(self.since_by_domain.values())


class Host(Struct, frozen=True):
    """The operator that hosts a domain as of a time, and since when."""

    name: str
    operator: Operator
    since: datetime


def hosting(domains: Mapping[str, Timeline[AdmittedDomain]], rules: RuleSet, at: datetime) -> dict[str | None, Hosting]:
    """Return what each operator hosts at a time; under None the hosted domains without an operator.

    A domain in the grace after its withdrawal counts, as it does when its mail is decided (rule 8).
    """
    found: dict[str | None, dict[str, datetime]] = {}
    for name, timeline in sorted(domains.items()):
        state = timeline.as_of(at)
        if state.hosted and state.is_admitted(at, rules):
            found.setdefault(state.operator, {})[name] = _hosted_since(timeline, rules, at)
    return {operator: Hosting(since_by_domain) for operator, since_by_domain in found.items()}


def _hosted_since(timeline: Timeline[AdmittedDomain], rules: RuleSet, at: datetime) -> datetime:
    """Return when the operator that has a domain at a time began to host it."""
    state, since, before = UNKNOWN, at, None
    for fact in timeline.facts:
        if fact.at > at:
            break
        was_away = not state.is_admitted(fact.at, rules)
        state = evolve(state, fact)
        now = (state.hosted, state.operator)
        since, before = (fact.at, now) if was_away or now != before else (since, before)
    return since


def instruments_lacking(
    name: str | None, operator: Operator, hosted: Hosting, rules: RuleSet, at: datetime
) -> Iterator[InstrumentLacking]:
    """Yield what an operator has not signed of what its hosted domains need (rule 11).

    The contrat at once; where the rules know usagers, Annexe 2 and, if it was already in the space, the avenant
    by the end of the time to comply.
    """
    if operator.contrat is None:
        yield InstrumentLacking(name, CONTRAT, None, hosted.domains, None, hosted.since)
    if not rules.usagers:
        return
    deadline = rules.commitment_deadline
    since = max(deadline, hosted.since) if at >= deadline else None
    if not operator.has_annexe_2(rules):
        referentiel = rules.usagers_since_referentiel
        yield InstrumentLacking(name, ANNEXE_2, referentiel, hosted.domains, deadline, since)
    if operator.lacks_avenant(rules):
        yield InstrumentLacking(name, AVENANT, None, hosted.domains, deadline, since)


def cgu_lacking(
    address: str, mailbox: Timeline[Mailbox], host: Host, rules: RuleSet, at: datetime
) -> CguLacking | None:
    """Return the version that a mailbox's holder must sign to send, or will have to (rule 10, EX_DCU_5010).

    The one in force where it is not signed, otherwise the one whose deadline comes first.
    """
    name, operator = host.name, host.operator
    state = mailbox.as_of(at)
    if state.since is None or state.status == DELETED:
        return None
    required = operator.cgu_required(at)
    if required and not _signed_enough(state, name, operator, required, rules):
        since = max(required[0].since, state.since, host.since)
        return CguLacking(address, name, required[0].version, required[0].deadline, since)
    coming = [
        cgu
        for index, cgu in enumerate(operator.cgu)
        if not cgu.in_force(at) and not _signed_enough(state, name, operator, operator.cgu[index:], rules)
    ]
    if not coming:
        return None
    first = min(coming, key=attrgetter("since"))
    return CguLacking(address, name, first.version, first.deadline, None)


def _signed_enough(
    state: Mailbox, name: str, operator: Operator, versions: tuple[PublishedCgu, ...], rules: RuleSet
) -> bool:
    enough = versions if rules.options.cgu_signature == "each-version" else operator.cgu
    return state.has_signed_one_of(name, enough)
