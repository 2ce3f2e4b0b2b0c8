"""`Operator`: who runs mail service, what it signed, and the CGU its mailboxes' holders must sign (rules 10, 11)."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from huissier.domain.commands import PublishCgu, RegisterOperator, SignInstrument
from huissier.domain.decision import UNCHANGED, Outcome, Recorded, Rejected
from huissier.domain.events import CguPublished, InstrumentSigned, OperatorRegistered
from huissier.domain.reasons import Code
from huissier.domain.rule_set import RuleSet
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.vocabulary.identifiers import version_key
from huissier.domain.vocabulary.times import parse_time

CONTRAT = "contrat"
AVENANT = "avenant-1-02-2020"
ANNEXE_2 = "annexe-2"


class Signature(Struct, frozen=True):
    """An instrument an operator signed, when, and where that stands in the log."""

    instrument: str
    referentiel: str | None
    at: datetime
    position: int


class PublishedCgu(Struct, frozen=True):
    """A version of the CGU; `deadline`: the last moment at which it need not be signed, None without any.

    `since`: from when on it has to be signed, which is never before it was published.
    """

    version: str
    deadline: datetime | None
    since: datetime
    position: int

    def in_force(self, moment: datetime) -> bool:
        """Say whether its deadline has passed."""
        return self.deadline is None or moment > self.deadline


class Operator(Struct, frozen=True, cache_hash=True):
    """An operator as of a time; `registered` is None where it is unknown.

    `annexe_2`: the newest version of the référentiel that it signed Annexe 2 for, None without any.
    """

    registered: int | None = None
    kind: str | None = None
    name: str | None = None
    signatures: tuple[Signature, ...] = ()
    contrat: Signature | None = None
    annexe_2: tuple[int, ...] | None = None
    cgu: tuple[PublishedCgu, ...] = ()

    def signed(self, instrument: str, referentiel: str | None = None) -> Signature | None:
        """Return the first signature under an instrument, for one version where one is named."""
        for signature in self.signatures:
            if signature.instrument == instrument and (referentiel is None or signature.referentiel == referentiel):
                return signature
        return None

    def is_committed(self, rules: RuleSet) -> bool:
        """Say whether it committed to the référentiel that brings in usagers.

        Contrat, Annexe 2 for that version or a later one and, where it was in the space before the avenant
        came, the avenant (rule 11).
        """
        return self.contrat is not None and self.has_annexe_2(rules) and not self.lacks_avenant(rules)

    def has_annexe_2(self, rules: RuleSet) -> bool:
        """Say whether it signed Annexe 2 for the version that brings in usagers, or a later one."""
        return self.annexe_2 is not None and self.annexe_2 >= version_key(rules.usagers_since_referentiel)

    def lacks_avenant(self, rules: RuleSet) -> bool:
        """Say whether it was in the space before the avenant came and has not signed it."""
        was_there = self.contrat is not None and self.contrat.at < rules.options.avenant_for_contracts_before
        return was_there and self.signed(AVENANT) is None

    def cgu_required(self, moment: datetime) -> tuple[PublishedCgu, ...]:
        """Return the newest version whose deadline has passed and all newer ones: one of them must be signed."""
        for index in range(len(self.cgu) - 1, -1, -1):
            if self.cgu[index].in_force(moment):
                return self.cgu[index:]
        return ()

    def turning_points(self) -> Iterator[datetime]:
        """Yield when time alone changes which versions are required: their deadlines."""
        return (cgu.deadline for cgu in self.cgu if cgu.deadline is not None)

    def published(self, version: str) -> PublishedCgu | None:
        """Return a version of its CGU by name."""
        return next((cgu for cgu in self.cgu if cgu.version == version), None)

    def positions(self) -> tuple[int, ...]:
        """Return where its registration and signatures stand in the log."""
        registered = () if self.registered is None else (self.registered,)
        return (*registered, *(signature.position for signature in self.signatures))


UNKNOWN = Operator()


def evolve(state: Operator, fact: Fact) -> Operator:
    """Fold one fact."""
    event = fact.event
    match event:
        case OperatorRegistered() if state.registered is None:
            return replace(state, registered=fact.position, kind=event.kind, name=event.name)
        case InstrumentSigned():
            return _with_signature(state, event, fact.position)
        case CguPublished():
            return replace(state, cgu=_with_cgu(state, event, fact.position))
        case _:
            return state


def _with_signature(state: Operator, event: InstrumentSigned, position: int) -> Operator:
    signature = Signature(event.instrument, event.referentiel, event.at, position)
    is_contrat = event.instrument == CONTRAT and state.contrat is None
    return replace(
        state,
        signatures=(*state.signatures, signature),
        contrat=signature if is_contrat else state.contrat,
        annexe_2=_newest_annexe_2(state, event),
    )


def _newest_annexe_2(state: Operator, event: InstrumentSigned) -> tuple[int, ...] | None:
    if event.instrument != ANNEXE_2:
        return state.annexe_2
    version = () if event.referentiel is None else version_key(event.referentiel)
    return version if state.annexe_2 is None else max(state.annexe_2, version)


def _with_cgu(state: Operator, event: CguPublished, position: int) -> tuple[PublishedCgu, ...]:
    """Add a version behind the others; one whose deadline moved keeps its place, and its `since` if still in force."""
    published = PublishedCgu(event.version, event.deadline, max(event.deadline or event.at, event.at), position)
    known = state.published(event.version)
    if known is None:
        return (*state.cgu, published)
    if known.in_force(event.at) and published.in_force(event.at):
        published = replace(published, since=known.since)
    return tuple(published if cgu is known else cgu for cgu in state.cgu)


def register(command: RegisterOperator, at: datetime, operator: Timeline[Operator]) -> Outcome:
    """Decide whether an operator enters the trust space."""
    known, before = operator.latest, operator.as_of(at)
    name = known.name if command.name is None else command.name
    same = known.kind == command.kind and known.name == name
    if known.registered is not None and not same:
        return Rejected(Code.ALREADY_EXISTS, (known.registered,))
    if before.registered is not None:
        return UNCHANGED
    return Recorded(OperatorRegistered(at=at, operator=command.operator, kind=command.kind, name=name))


def sign(command: SignInstrument, at: datetime, operator: Timeline[Operator]) -> Outcome:
    """Decide whether an operator's signature is recorded."""
    before = operator.as_of(at)
    if before.registered is None:
        return Rejected(Code.NOT_FOUND)
    referentiel = command.referentiel if command.instrument == ANNEXE_2 else None
    if before.signed(command.instrument, referentiel) is not None:
        return UNCHANGED
    return Recorded(
        InstrumentSigned(at=at, operator=command.operator, instrument=command.instrument, referentiel=referentiel)
    )


def publish(command: PublishCgu, at: datetime, operator: Timeline[Operator]) -> Outcome:
    """Decide whether a version of the CGU is published, or its deadline moved."""
    before = operator.as_of(at)
    if before.registered is None:
        return Rejected(Code.NOT_FOUND)
    deadline = None if command.deadline is None else parse_time(command.deadline)
    known = before.published(command.version)
    if known is not None and known.deadline == deadline:
        return UNCHANGED
    return Recorded(CguPublished(at=at, operator=command.operator, version=command.version, deadline=deadline))
