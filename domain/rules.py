"""The rules of refusal, one function a reason, in the order of the contract: the most decisive first.

Each looks at one `Exchange` (one message, one recipient) and returns the log positions of the facts it rests
on, or None where it has nothing against the exchange. An empty tuple refuses too: the absence of a fact has no
position. To change a rule, change its function; to add one, add its code to `reasons` and its line to `RULES`.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from huissier.domain.contact import Contact
from huissier.domain.events import Positions
from huissier.domain.mailbox import DELETED, SUSPENDED, Mailbox
from huissier.domain.operator import Operator
from huissier.domain.reasons import Code
from huissier.domain.rule_set import RuleSet
from huissier.domain.trust_space import AdmittedDomain
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName

Found = Positions | None
NO_FACT: Positions = ()


class Party(Struct, frozen=True, gc=False):
    """One end of an exchange as of the message's time; `address` is None where it could not be read."""

    address: MailboxAddress | None
    domain: AdmittedDomain
    operator: Operator
    mailbox: Mailbox
    usager: bool


class Exchange(Struct, frozen=True, gc=False):
    """One message to one recipient and everything its verdict rests on.

    `certificate`: the peer's certificate, None where the gateway does not know it; `certificate_known` without
    a certificate means that its name could not be read. `mixed`: the message goes to professionnels and usagers.
    """

    at: datetime
    rules: RuleSet
    sender: Party
    recipient: Party
    contact: Contact
    certificate_known: bool
    certificate: CertificateDn | CommonName | None
    in_reply_to: tuple[str, ...]
    size: int | None
    mixed: bool

    @property
    def with_usager(self) -> bool:
        """Whether a usager is at either end."""
        return self.sender.usager or self.recipient.usager


def address_invalid(x: Exchange) -> Found:
    """Rule 9: a spelling that is not plainly one address is nobody's."""
    return NO_FACT if x.sender.address is None or x.recipient.address is None else None


def sender_domain_not_admitted(x: Exchange) -> Found:
    """Rule 8: the sender's domain must be in the white list."""
    return _domain_not_admitted(x.sender, x)


def recipient_domain_not_admitted(x: Exchange) -> Found:
    """Rule 8: the recipient's domain must be in the white list."""
    return _domain_not_admitted(x.recipient, x)


def _domain_not_admitted(party: Party, x: Exchange) -> Found:
    if party.address is None or party.domain.is_admitted(x.at, x.rules):
        return None
    return party.domain.positions()


def certificate_not_admitted(x: Exchange) -> Found:
    """Rule 8: where the gateway knows the peer's certificate, it must be paired with the sender's domain."""
    if not x.certificate_known or x.sender.address is None:
        return None
    if x.certificate is not None and x.sender.domain.pair_of(x.certificate, x.at, x.rules) is not None:
        return None
    return x.sender.domain.positions()


def sender_unknown(x: Exchange) -> Found:
    """Rule 9: a hosted domain knows its mailboxes; of a remote one absence proves nothing."""
    return _unknown(x.sender)


def recipient_unknown(x: Exchange) -> Found:
    """Rule 9: a hosted domain knows its mailboxes; of a remote one absence proves nothing."""
    return _unknown(x.recipient)


def _unknown(party: Party) -> Found:
    return party.domain.positions() if party.domain.hosted and not party.mailbox.exists else None


def sender_deleted(x: Exchange) -> Found:
    """Rule 12: a closed mailbox does not send."""
    return _in_status(x.sender, DELETED)


def recipient_deleted(x: Exchange) -> Found:
    """Rule 12: a closed mailbox does not receive."""
    return _in_status(x.recipient, DELETED)


def sender_suspended(x: Exchange) -> Found:
    """Rule 12: a suspended mailbox does not send."""
    return _in_status(x.sender, SUSPENDED)


def recipient_suspended(x: Exchange) -> Found:
    """Rule 12: a suspended mailbox does not receive."""
    return _in_status(x.recipient, SUSPENDED)


def _in_status(party: Party, status: str) -> Found:
    return party.mailbox.positions() if party.mailbox.status == status else None


def operator_not_contracted(x: Exchange) -> Found:
    """Rule 11: the operator of a hosted domain has signed the contrat; a hosted domain without operator has none."""
    return _operator_facts([p for p in (x.sender, x.recipient) if p.domain.hosted and p.operator.contrat is None])


def operator_not_committed(x: Exchange) -> Found:
    """Rules 11 and 14: exchanges with usagers need rules that know usagers and an operator committed to them.

    Professional mail continues past the deadline, unless the option `uncommitted_operators` says `no-mail`.
    """
    if x.with_usager:
        if not x.rules.usagers:
            return NO_FACT
    elif x.rules.options.uncommitted_operators != "no-mail" or x.at < x.rules.commitment_deadline:
        return None
    hosted = [party for party in (x.sender, x.recipient) if party.domain.hosted]
    return _operator_facts([party for party in hosted if not party.operator.is_committed(x.rules)])


def _operator_facts(failing: list[Party]) -> Found:
    if not failing:
        return None
    positions = {p for party in failing for p in (*party.domain.positions(), *party.operator.positions())}
    return tuple(sorted(positions))


def cgu_not_signed(x: Exchange) -> Found:
    """Rule 10 (EX_DCU_5010): a hosted mailbox sends only once its holder has signed the CGU in force."""
    sender = x.sender
    if not (sender.domain.hosted and sender.domain.operator and sender.mailbox.exists):
        return None
    required = sender.operator.cgu_required(x.at)
    enough = required if x.rules.options.cgu_signature == "each-version" else sender.operator.cgu
    if not required or sender.mailbox.has_signed_one_of(sender.domain.operator, enough):
        return None
    return tuple(cgu.position for cgu in required)


def usager_to_usager(x: Exchange) -> Found:
    """Rule 3: usager to usager, never."""
    return NO_FACT if x.sender.usager and x.recipient.usager else None


def contact_not_opened(x: Exchange) -> Found:
    """Rule 1: a usager may write once a first message was received; rule 7: to a pharmacy also before."""
    if not _from_usager_to_professionnel(x) or _contact_open(x) or _contact_ended(x) or is_open_pharmacy(x):
        return None
    return NO_FACT


def contact_ended(x: Exchange) -> Found:
    """Rules 4 and 5: the professionnel ended the contact, a pharmacy too, and nothing opened it again."""
    if not _from_usager_to_professionnel(x) or not _contact_ended(x) or x.contact.ended is None:
        return None
    return (x.contact.ended.position,)


def reply_not_allowed(x: Exchange) -> Found:
    """Rule 4b (ECO.2.2.8): a message that came with X-MSS-MES: FIN cannot be answered."""
    if not _from_usager_to_professionnel(x) or not x.in_reply_to:
        return None
    return x.contact.forbids_answer_to(x.in_reply_to) or None


def mixed_recipients(x: Exchange) -> Found:
    """Rule 6: professionnels and usagers in one message only since 2021-06-10."""
    return NO_FACT if x.mixed and not x.rules.mixed_recipients else None


def message_too_large(x: Exchange) -> Found:
    """Rule 13: the size limit of the destination domain, or of usagers' domains."""
    if x.size is None or x.recipient.address is None:
        return None
    general = x.rules.usagers_size_limit if x.recipient.usager else None
    limit = x.rules.size_limits.get(x.recipient.address.domain, general)
    return NO_FACT if limit is not None and x.size > limit else None


def _from_usager_to_professionnel(x: Exchange) -> bool:
    return x.sender.usager and not x.recipient.usager and x.recipient.address is not None


def _contact_open(x: Exchange) -> bool:
    return x.contact.is_open(reopening=x.rules.options.reopening)


def _contact_ended(x: Exchange) -> bool:
    return x.contact.is_ended(reopening=x.rules.options.reopening)


def is_open_pharmacy(x: Exchange) -> bool:
    """Rule 7: the published ORG mailbox of a pharmacy, since 2023-05-22."""
    return x.recipient.mailbox.is_published_org_in(x.rules.pharmacy_secteurs)


RULES: tuple[tuple[Code, Callable[[Exchange], Found]], ...] = (
    (Code.ADDRESS_INVALID, address_invalid),
    (Code.SENDER_DOMAIN_NOT_ADMITTED, sender_domain_not_admitted),
    (Code.RECIPIENT_DOMAIN_NOT_ADMITTED, recipient_domain_not_admitted),
    (Code.CERTIFICATE_NOT_ADMITTED, certificate_not_admitted),
    (Code.SENDER_UNKNOWN, sender_unknown),
    (Code.RECIPIENT_UNKNOWN, recipient_unknown),
    (Code.SENDER_DELETED, sender_deleted),
    (Code.RECIPIENT_DELETED, recipient_deleted),
    (Code.SENDER_SUSPENDED, sender_suspended),
    (Code.RECIPIENT_SUSPENDED, recipient_suspended),
    (Code.OPERATOR_NOT_CONTRACTED, operator_not_contracted),
    (Code.OPERATOR_NOT_COMMITTED, operator_not_committed),
    (Code.CGU_NOT_SIGNED, cgu_not_signed),
    (Code.USAGER_TO_USAGER, usager_to_usager),
    (Code.CONTACT_NOT_OPENED, contact_not_opened),
    (Code.CONTACT_ENDED, contact_ended),
    (Code.REPLY_NOT_ALLOWED, reply_not_allowed),
    (Code.MIXED_RECIPIENTS, mixed_recipients),
    (Code.MESSAGE_TOO_LARGE, message_too_large),
)


def refusals(x: Exchange) -> list[tuple[Code, Positions]]:
    """Return every reason against an exchange, the most decisive first."""
    return [(code, found) for code, rule in RULES if (found := rule(x)) is not None]


def acceptances(x: Exchange) -> list[tuple[Code, Positions]]:
    """Return every reason for an exchange that nothing stands against."""
    if not x.sender.usager:
        to = Code.PROFESSIONNEL_TO_USAGER if x.recipient.usager else Code.PROFESSIONNEL_TO_PROFESSIONNEL
        return [(to, tuple(sorted({*x.sender.domain.positions(), *x.recipient.domain.positions()})))]
    found: list[tuple[Code, Positions]] = []
    if _contact_open(x) and x.contact.opened_by is not None:
        found.append((Code.CONTACT_OPEN, (x.contact.opened_by,)))
    if is_open_pharmacy(x):
        found.append((Code.PHARMACY_OPEN_TO_USAGERS, x.recipient.mailbox.positions()))
    return found
