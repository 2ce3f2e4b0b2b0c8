"""The national white list compared with the trust space: exactly the differences become facts (rule 8)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from huissier.domain.events import AnyEvent, DomainAdmitted, DomainWithdrawn, WhiteListLoaded
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.trust_space import UNKNOWN, AdmittedDomain, evolve
from huissier.domain.vocabulary.certificate_dn import CertificateDn


class WhiteList(Struct, frozen=True, kw_only=True):
    """A verified white list: for each domain the certificates it is paired with; `sha256` is of what was signed."""

    generated_at: datetime
    sha256: str
    signer: str
    rows: int
    pairs: Mapping[str, frozenset[CertificateDn]]

    @property
    def pair_count(self) -> int:
        """How many different (domain, certificate) pairs the list has."""
        return sum(len(dns) for dns in self.pairs.values())


class TrustSpace:
    """Every domain's timeline and every list loaded so far."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        """Fold all facts that carry the tag of the trust space."""
        self.domains: dict[str, Timeline[AdmittedDomain]] = {}
        self.loads: list[WhiteListLoaded] = []
        for fact in facts:
            match fact.event:
                case DomainAdmitted(domain=name) | DomainWithdrawn(domain=name):
                    self.domains.setdefault(name, Timeline(UNKNOWN, evolve)).add(fact)
                case WhiteListLoaded() as load:
                    self.loads.append(load)
                case _:
                    pass

    @property
    def last_load(self) -> WhiteListLoaded | None:
        """The list that was loaded last."""
        return self.loads[-1] if self.loads else None

    def time_of(self, white_list: WhiteList, now: datetime) -> datetime:
        """Return since when a list counts.

        Since it was generated, unless the facts of a list loaded before count from a later time: then since now, or
        those facts would override it.
        """
        latest = max((load.at for load in self.loads), default=white_list.generated_at)
        return white_list.generated_at if latest <= white_list.generated_at else max(now, latest)

    def differences(self, white_list: WhiteList, at: datetime) -> list[DomainAdmitted | DomainWithdrawn]:
        """Return what must be recorded for the trust space to be as the list says at a time.

        A domain whose certificates changed is admitted under the new ones before it loses the old.
        """
        found: list[DomainAdmitted | DomainWithdrawn] = []
        for name in sorted(white_list.pairs.keys() | self.domains.keys()):
            timeline = self.domains.get(name)
            before = UNKNOWN if timeline is None else timeline.as_of(at)
            listed = white_list.pairs.get(name)
            if listed is not None:
                found += _changes(name, before, listed, at)
            elif before.admitted:
                found.append(DomainWithdrawn(at=at, domain=name))
        return found

    def load(self, white_list: WhiteList, now: datetime) -> tuple[AnyEvent, ...]:
        """Return the facts of loading a list; none where it was loaded last and nothing has changed since."""
        at = self.time_of(white_list, now)
        differences = self.differences(white_list, at)
        last = self.last_load
        if not differences and last is not None and last.sha256 == white_list.sha256:
            return ()
        admitted, withdrawn = self.count(differences, at)
        loaded = WhiteListLoaded(
            at=at,
            generated_at=white_list.generated_at,
            sha256=white_list.sha256,
            signer=white_list.signer,
            rows=white_list.rows,
            admitted=admitted,
            withdrawn=withdrawn,
        )
        return (*differences, loaded)

    def count(self, differences: Iterable[DomainAdmitted | DomainWithdrawn], at: datetime) -> tuple[int, int]:
        """Return how many pairs the differences admit and withdraw; a domain without certificates counts as one."""
        admitted = withdrawn = 0
        for event in differences:
            if isinstance(event, DomainAdmitted):
                admitted += len(event.certificate_dns)
            else:
                withdrawn += pairs_withdrawn(event, self.domains[event.domain].as_of(at))
        return admitted, withdrawn


def pairs_withdrawn(event: DomainWithdrawn, before: AdmittedDomain) -> int:
    """Return how many pairs a withdrawal ends: those it names, or all, or one where there are no certificates."""
    return len(event.certificate_dns) or len(before.dns) or 1


def _changes(
    name: str, before: AdmittedDomain, listed: frozenset[CertificateDn], at: datetime
) -> list[DomainAdmitted | DomainWithdrawn]:
    changes: list[DomainAdmitted | DomainWithdrawn] = []
    if new := listed - before.dns:
        changes.append(DomainAdmitted(at=at, domain=name, certificate_dns=_written(new)))
    if gone := before.dns - listed:
        changes.append(DomainWithdrawn(at=at, domain=name, certificate_dns=_written(gone)))
    return changes


def _written(dns: frozenset[CertificateDn]) -> tuple[str, ...]:
    return tuple(sorted(str(dn) for dn in dns))
