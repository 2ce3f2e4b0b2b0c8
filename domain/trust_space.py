"""`AdmittedDomain`: which domains are admitted, with which certificates and operator, and which are hosted (rule 8)."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from huissier.domain.commands import AdmitDomain, WithdrawDomain
from huissier.domain.decision import UNCHANGED, Outcome, Recorded, Rejected
from huissier.domain.events import DomainAdmitted, DomainWithdrawn, Positions
from huissier.domain.operator import Operator
from huissier.domain.reasons import Code
from huissier.domain.rule_set import RuleSet
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName


class Pair(Struct, frozen=True):
    """A certificate's name paired with a domain, the position of that fact, and when the pair was withdrawn."""

    dn: CertificateDn
    position: int
    withdrawn_at: datetime | None = None


class AdmittedDomain(Struct, frozen=True, cache_hash=True):
    """A domain as of a time; `hosted` and `operator` survive a withdrawal, so that nothing opens by accident."""

    admitted: bool = False
    position: int | None = None
    withdrawn_at: datetime | None = None
    operator: str | None = None
    hosted: bool = False
    pairs: tuple[Pair, ...] = ()

    def is_admitted(self, moment: datetime, rules: RuleSet) -> bool:
        """Say whether mail may be exchanged with it, the grace after a withdrawal included."""
        return self.admitted or _in_grace(self.withdrawn_at, moment, rules)

    def turning_points(self, rules: RuleSet) -> Iterator[datetime]:
        """Yield when time alone may change whether it is admitted: where the grace ends."""
        if not self.admitted and self.withdrawn_at is not None:
            with suppress(OverflowError):  # beyond the calendar it never ends
                yield self.withdrawn_at + rules.withdrawal_grace

    def pair_of(self, peer: CertificateDn | CommonName, moment: datetime, rules: RuleSet) -> Pair | None:
        """Return the pair of the domain with a peer's certificate, the grace after a withdrawal included."""
        for pair in self.pairs:
            if peer.names(pair.dn) and (pair.withdrawn_at is None or _in_grace(pair.withdrawn_at, moment, rules)):
                return pair
        return None

    @property
    def dns(self) -> frozenset[CertificateDn]:
        """The certificates it is paired with now."""
        return frozenset(pair.dn for pair in self.pairs if pair.withdrawn_at is None)

    def positions(self) -> Positions:
        """Return where its last admission or withdrawal stands in the log."""
        return () if self.position is None else (self.position,)


UNKNOWN = AdmittedDomain()


def _in_grace(withdrawn_at: datetime | None, moment: datetime, rules: RuleSet) -> bool:
    return withdrawn_at is not None and moment - withdrawn_at < rules.withdrawal_grace


def evolve(state: AdmittedDomain, fact: Fact) -> AdmittedDomain:
    """Fold one fact."""
    event = fact.event
    match event:
        case DomainAdmitted():
            return replace(
                state,
                admitted=True,
                position=fact.position,
                withdrawn_at=None,
                operator=event.operator or state.operator,
                hosted=state.hosted if event.hosted is None else event.hosted,
                pairs=_with_pairs(state, event, fact.position),
            )
        case DomainWithdrawn() if state.admitted:
            return _without_pairs(state, event, fact)
        case _:
            return state


def _with_pairs(state: AdmittedDomain, event: DomainAdmitted, position: int) -> tuple[Pair, ...]:
    dns = _parsed(event.certificate_dns) - state.dns
    kept = tuple(pair for pair in state.pairs if pair.dn not in dns)
    return (*kept, *(Pair(dn, position) for dn in sorted(dns, key=str)))


def _without_pairs(state: AdmittedDomain, event: DomainWithdrawn, fact: Fact) -> AdmittedDomain:
    gone = _parsed(event.certificate_dns) if event.certificate_dns else state.dns
    pairs = tuple(
        replace(pair, withdrawn_at=event.at, position=fact.position)
        if pair.dn in gone and pair.withdrawn_at is None
        else pair
        for pair in state.pairs
    )
    if event.certificate_dns and (not state.dns or state.dns - gone):
        return replace(state, pairs=pairs)
    return replace(state, admitted=False, position=fact.position, withdrawn_at=event.at, pairs=pairs)


def _parsed(texts: tuple[str, ...]) -> frozenset[CertificateDn]:
    return frozenset(CertificateDn.parse(text) for text in texts)


def admit(
    command: AdmitDomain, at: datetime, domain: Timeline[AdmittedDomain], operator: Timeline[Operator] | None
) -> Outcome:
    """Decide whether a domain is admitted or gains certificates, an operator or a host.

    The fact keeps all that the command said, even what was so already: a late fact may come before it.
    """
    if operator is not None and operator.as_of(at).registered is None:
        return Rejected(Code.NOT_FOUND)
    before = domain.as_of(at)
    new = _parsed(tuple(command.certificate_dns)) - before.dns
    moves = command.operator not in (None, before.operator)
    rehosts = command.hosted not in (None, before.hosted)
    if before.admitted and not (new or moves or rehosts):
        return UNCHANGED
    return Recorded(
        DomainAdmitted(
            at=at,
            domain=command.domain,
            operator=command.operator,
            certificate_dns=tuple(command.certificate_dns),
            hosted=command.hosted,
        )
    )


def withdraw(command: WithdrawDomain, at: datetime, domain: Timeline[AdmittedDomain]) -> Outcome:
    """Decide whether a domain, or some of its certificates, leave the trust space."""
    before = domain.as_of(at)
    if before.position is None:
        return Rejected(Code.NOT_FOUND)
    if command.operator not in (None, before.operator):
        return Rejected(Code.NOT_ALLOWED_IN_STATE, before.positions())
    gone = _parsed(tuple(command.certificate_dns)) & before.dns
    if not before.admitted or (command.certificate_dns and not gone):
        return UNCHANGED
    return Recorded(DomainWithdrawn(at=at, domain=command.domain, certificate_dns=tuple(command.certificate_dns)))


def operators_in(domain: Timeline[AdmittedDomain]) -> Iterator[str]:
    """Name every operator a domain ever had."""
    return (
        fact.event.operator
        for fact in domain.facts
        if isinstance(fact.event, DomainAdmitted) and fact.event.operator is not None
    )
