"""The facts of the log: past tense, versioned names that no renaming of code can orphan, no INS anywhere.

Addresses are canonical and pseudonymous texts (`MailboxAddress.of_fact`). `tags_of` names whose state a fact
changes; what changes no state carries only the tag it is found by, or none.
"""

from typing import Annotated

from msgspec import Meta, Struct

from huissier.domain.reasons import Code
from huissier.domain.vocabulary.identifiers import VERSION
from huissier.domain.vocabulary.times import Time

Positions = tuple[int, ...]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What every fact has: when it happened (UTC)."""

    at: Time


class OperatorRegistered(Event, frozen=True, tag="operator-registered.v1"):
    """An operator entered the trust space."""

    operator: str
    kind: str
    name: str | None = None


class InstrumentSigned(Event, frozen=True, tag="instrument-signed.v1"):
    """An operator signed the contrat, an avenant or Annexe 2 for a version of the référentiel."""

    operator: str
    instrument: str
    referentiel: Annotated[str, Meta(pattern=VERSION)] | None = None


class CguPublished(Event, frozen=True, tag="cgu-published.v1"):
    """An operator published a version of its CGU."""

    operator: str
    version: str
    deadline: Time | None = None


class DomainAdmitted(Event, frozen=True, tag="domain-admitted.v1"):
    """A domain was admitted or gained certificates; what is absent stayed as it was."""

    domain: str
    operator: str | None = None
    certificate_dns: tuple[str, ...] = ()
    hosted: bool | None = None


class DomainWithdrawn(Event, frozen=True, tag="domain-withdrawn.v1"):
    """A domain was withdrawn or, where certificates are named, lost those."""

    domain: str
    certificate_dns: tuple[str, ...] = ()


class WhiteListLoaded(Event, frozen=True, tag="white-list-loaded.v1"):
    """A verified white list was compared with the trust space; the differences stand before this fact."""

    generated_at: Time
    sha256: str
    signer: str
    rows: int
    admitted: int
    withdrawn: int


class MailboxCreated(Event, frozen=True, tag="mailbox-created.v1"):
    """A mailbox of a professionnel, an organisation, an application or a cabinet was created."""

    address: str
    kind: str
    rpps: str | None = None
    adeli: str | None = None
    finess: str | None = None
    name: str | None = None
    service: str | None = None
    secteur: str | None = None
    liste_rouge: bool = False


class MailboxSuspended(Event, frozen=True, tag="mailbox-suspended.v1"):
    """A mailbox stopped sending and receiving."""

    address: str
    motive: str | None = None


class MailboxResumed(Event, frozen=True, tag="mailbox-resumed.v1"):
    """A suspended mailbox works again."""

    address: str
    motive: str | None = None


class MailboxDeleted(Event, frozen=True, tag="mailbox-deleted.v1"):
    """A mailbox is gone for good."""

    address: str
    motive: str | None = None


class ListeRougeSet(Event, frozen=True, tag="liste-rouge-set.v1"):
    """A mailbox was hidden from the directory or shown again."""

    address: str
    liste_rouge: bool


class CguSigned(Event, frozen=True, tag="cgu-signed.v1"):
    """A mailbox's holder signed a version of the CGU of the operator its domain had then."""

    mailbox: str
    operator: str
    version: str


class EnsOpened(Event, frozen=True, tag="ens-opened.v1"):
    """An espace numérique de santé opened and with it the usager's mailbox."""

    address: str
    oid: str | None = None


class EnsClosed(Event, frozen=True, tag="ens-closed.v1"):
    """An espace numérique de santé closed and with it the usager's mailbox."""

    address: str


class ReasonGiven(Struct, frozen=True, omit_defaults=True, cache_hash=True, gc=False):
    """A reason's code and the positions of the facts it rests on."""

    code: Code
    facts: Positions = ()


class VerdictGiven(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What was decided for one recipient; an unreadable recipient is the empty text.

    `shadow`: it is refused, but an option lets it pass for now.
    """

    recipient: str
    accepted: bool
    usager: bool = False
    shadow: bool = False
    reasons: tuple[ReasonGiven, ...]

    @property
    def passes(self) -> bool:
        """Whether the gateway lets the recipient through."""
        return self.accepted or self.shadow


class MessageDecided(Event, frozen=True, tag="message-decided.v1"):
    """A submission was answered, recipient by recipient, under one rule set.

    `opens`: the professionnels' addresses that each usager among the accepted recipients may write to once the message
    is delivered. `ends`: those whose contact with these usagers ended with this message. `unanswerable`: those that may
    not be written to in answer to this message. `fin_subject`, `fin_header`: the subject was `[FIN]`, X-MSS-MES said
    FIN. `certificate`: the peer's name that was asked about, empty where it could not be read, `cn:` before a common
    name that stands alone. `stage`: where in its session the gateway asked. `whole`: all of these were kept where they
    were asked about, so that the decision can be taken again; older facts kept no certificate and no FIN.
    """

    id: str
    sender: str
    verdicts: tuple[VerdictGiven, ...]
    rules: str
    final_hop: bool = False
    size: int | None = None
    reply_to: str | None = None
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    fin_subject: bool = False
    fin_header: bool = False
    certificate: str | None = None
    stage: str | None = None
    whole: bool = False
    opens: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    unanswerable: tuple[str, ...] = ()


class MessageDelivered(Event, frozen=True, tag="message-delivered.v1"):
    """A recipient received a message; `sent` is the position of its submission and `sent_at` its time."""

    id: str
    recipient: str
    sent: int
    sent_at: Time
    usager: bool = False
    opens: tuple[str, ...] = ()


class MessageUndelivered(Event, frozen=True, tag="message-undelivered.v1"):
    """A message could not be delivered to a recipient."""

    id: str
    recipient: str
    cause: str | None = None


class UsagerErased(Event, frozen=True, tag="usager-erased.v1"):
    """The vault forgot whose a `UsagerId` was."""

    usager: str


class CommandRejected(Event, frozen=True, tag="command-rejected.v1"):
    """A command other than a submission could not be carried out.

    `recipient`, `status`: of a delivery report, whom it was about and what it said; older facts kept neither.
    """

    command: str
    subject: str
    reasons: tuple[ReasonGiven, ...]
    recipient: str | None = None
    status: str | None = None


class StatisticsProduced(Event, frozen=True, tag="statistics-produced.v1"):
    """A file of a domain's exchanges of a month (AAAAMM) was written (EX_PSU_5020), counted as of a log position.

    `final`: the month was over; its file is counted as of this position from then on. `rows`: without the header.
    """

    name: str
    sha256: str
    rows: int
    month: int
    domain: str
    layout: str
    position: int
    final: bool

    def is_of_same_month(self, other: "AnyEvent") -> bool:
        """Say whether another fact tells of a final file of the same domain and month."""
        return (
            isinstance(other, StatisticsProduced)
            and other.final
            and (other.domain, other.month) == (self.domain, self.month)
        )


AnyEvent = (
    OperatorRegistered
    | InstrumentSigned
    | CguPublished
    | DomainAdmitted
    | DomainWithdrawn
    | WhiteListLoaded
    | MailboxCreated
    | MailboxSuspended
    | MailboxResumed
    | MailboxDeleted
    | ListeRougeSet
    | CguSigned
    | EnsOpened
    | EnsClosed
    | MessageDecided
    | MessageDelivered
    | MessageUndelivered
    | UsagerErased
    | CommandRejected
    | StatisticsProduced
)
