"""The rules of refusal, one function a reason; the contract's order puts the most decisive first.

Each looks at its parameters and at nothing else, and returns the log positions of the facts it rests on, or None where
it has nothing to object. An empty tuple refuses too: the absence of a fact has no position. To change a rule, change
its function; to add one, add its code to `reasons` and its line to the table of rules with the same parameters.

Homes and mailboxes are values, so what rules find about them is remembered; about a message it is found each time.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVarTuple

from msgspec import Struct

from huissier.domain.contact import Contact
from huissier.domain.events import Positions, ReasonGiven
from huissier.domain.home import Home
from huissier.domain.mailbox import DELETED, SUSPENDED, Mailbox
from huissier.domain.reasons import ORDER, Code
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName

LookedAt = TypeVarTuple("LookedAt")

Found = Positions | None
Reasons = tuple[ReasonGiven, ...]
Rules = tuple[tuple[Code, Callable[[*LookedAt], Found]], ...]

NO_FACT: Positions = ()
_REMEMBERED: Final = 50_000


class Party(Struct, frozen=True, gc=False):
    """One end of an exchange as of the message's time; `address` is None where it could not be read."""

    address: MailboxAddress | None
    home: Home
    mailbox: Mailbox


class Exchange(Struct, frozen=True, gc=False):
    """One message to one recipient and everything its verdict rests on.

    `certificate`: the peer's certificate, None where the gateway does not know it; `certificate_known` without
    a certificate means that its name could not be read. `mixed`: the message goes to professionnels and usagers.
    """

    at: datetime
    sender: Party
    recipient: Party
    contact: Contact
    certificate_known: bool
    certificate: CertificateDn | CommonName | None
    in_reply_to: tuple[str, ...]
    size: int | None
    mixed: bool

    @property
    def needs_contact(self) -> bool:
        """Whether a usager writes to a professionnel, for which there must be a contact."""
        to = self.recipient.home
        return self.sender.home.usager and not to.usager and to.name is not None


# Of either end


def domain_not_admitted(home: Home, _: Mailbox) -> Found:
    """Rule 8: a domain must be in the white list."""
    if home.name is None or home.domain.is_admitted(home.at, home.rules):
        return None
    return home.domain.positions()


def unknown(home: Home, mailbox: Mailbox) -> Found:
    """Rule 9: a hosted domain knows its mailboxes; of a remote one absence proves nothing."""
    return home.domain.positions() if home.domain.hosted and not mailbox.exists else None


def deleted(_: Home, mailbox: Mailbox) -> Found:
    """Rule 12: a closed mailbox neither sends nor receives."""
    return mailbox.positions() if mailbox.status == DELETED else None


def suspended(_: Home, mailbox: Mailbox) -> Found:
    """Rule 12: a suspended mailbox neither sends nor receives."""
    return mailbox.positions() if mailbox.status == SUSPENDED else None


def cgu_not_signed(home: Home, mailbox: Mailbox) -> Found:
    """Rule 10 (EX_DCU_5010): a hosted mailbox sends only once its holder has signed the CGU in force."""
    if not (home.domain.hosted and home.domain.operator and mailbox.exists):
        return None
    required = home.operator.cgu_required(home.at)
    enough = required if home.rules.options.cgu_signature == "each-version" else home.operator.cgu
    if not required or mailbox.has_signed_one_of(home.domain.operator, enough):
        return None
    return tuple(cgu.position for cgu in required)


# Between two homes


def address_invalid(sender: Home, recipient: Home) -> Found:
    """Rule 9: a spelling that is not plainly one address is nobody's."""
    return NO_FACT if sender.name is None or recipient.name is None else None


def operator_not_contracted(sender: Home, recipient: Home) -> Found:
    """Rule 11: the operator of a hosted domain must have signed the contrat; without an operator there is none."""
    return _operator_facts([p for p in (sender, recipient) if p.domain.hosted and p.operator.contrat is None])


def operator_not_committed(sender: Home, recipient: Home) -> Found:
    """Rules 11 and 14: exchanges with usagers need rules that know usagers and an operator committed to them.

    Professional mail continues past the deadline, unless the option `uncommitted_operators` says `no-mail`.
    """
    rules = sender.rules
    if sender.usager or recipient.usager:
        if not rules.usagers:
            return NO_FACT
    elif rules.options.uncommitted_operators != "no-mail" or sender.at < rules.commitment_deadline:
        return None
    hosted = [home for home in (sender, recipient) if home.domain.hosted]
    return _operator_facts([home for home in hosted if not home.operator.is_committed(rules)])


def _operator_facts(failing: list[Home]) -> Found:
    if not failing:
        return None
    positions = {p for home in failing for p in (*home.domain.positions(), *home.operator.positions())}
    return tuple(sorted(positions))


def usager_to_usager(sender: Home, recipient: Home) -> Found:
    """Rule 3: usager to usager, never."""
    return NO_FACT if sender.usager and recipient.usager else None


# Of a message


def certificate_not_admitted(x: Exchange) -> Found:
    """Rule 8: where the gateway knows the peer's certificate, it must be paired with the sender's domain."""
    home = x.sender.home
    if not x.certificate_known or home.name is None:
        return None
    if x.certificate is not None and home.domain.pair_of(x.certificate, x.at, home.rules) is not None:
        return None
    return home.domain.positions()


def mixed_recipients(x: Exchange) -> Found:
    """Rule 6: professionnels and usagers in one message only since 2021-06-10."""
    return NO_FACT if x.mixed and not x.sender.home.rules.mixed_recipients else None


def message_too_large(x: Exchange) -> Found:
    """Rule 13: the size limit of the destination domain, or of usagers' domains."""
    to = x.recipient.home
    if x.size is None or to.name is None:
        return None
    limit = to.rules.size_limits.get(to.name, to.rules.usagers_size_limit if to.usager else None)
    return NO_FACT if limit is not None and x.size > limit else None


# Of a usager's message to a professionnel


def contact_not_opened(x: Exchange) -> Found:
    """Rule 1: a usager may write once a first message was received; rule 7: to a pharmacy also before."""
    return None if _contact_open(x) or _contact_ended(x) or is_open_pharmacy(x) else NO_FACT


def contact_ended(x: Exchange) -> Found:
    """Rules 4 and 5: the professionnel ended the contact, a pharmacy too, and nothing opened it again."""
    return (x.contact.ended.position,) if x.contact.ended is not None and _contact_ended(x) else None


def reply_not_allowed(x: Exchange) -> Found:
    """Rule 4b (ECO.2.2.8): a message that came with X-MSS-MES: FIN cannot be answered."""
    return x.contact.forbids_answer_to(x.in_reply_to) or None


def _contact_open(x: Exchange) -> bool:
    return x.contact.is_open(reopening=x.sender.home.rules.options.reopening)


def _contact_ended(x: Exchange) -> bool:
    return x.contact.is_ended(reopening=x.sender.home.rules.options.reopening)


def is_open_pharmacy(x: Exchange) -> bool:
    """Rule 7: the published ORG mailbox of a pharmacy, since 2023-05-22."""
    return x.recipient.mailbox.is_published_org_in(x.recipient.home.rules.pharmacy_secteurs)


OF_SENDER: Rules[Home, Mailbox] = (
    (Code.SENDER_DOMAIN_NOT_ADMITTED, domain_not_admitted),
    (Code.SENDER_UNKNOWN, unknown),
    (Code.SENDER_DELETED, deleted),
    (Code.SENDER_SUSPENDED, suspended),
    (Code.CGU_NOT_SIGNED, cgu_not_signed),
)
OF_RECIPIENT: Rules[Home, Mailbox] = (
    (Code.RECIPIENT_DOMAIN_NOT_ADMITTED, domain_not_admitted),
    (Code.RECIPIENT_UNKNOWN, unknown),
    (Code.RECIPIENT_DELETED, deleted),
    (Code.RECIPIENT_SUSPENDED, suspended),
)
BETWEEN_HOMES: Rules[Home, Home] = (
    (Code.ADDRESS_INVALID, address_invalid),
    (Code.OPERATOR_NOT_CONTRACTED, operator_not_contracted),
    (Code.OPERATOR_NOT_COMMITTED, operator_not_committed),
    (Code.USAGER_TO_USAGER, usager_to_usager),
)
OF_MESSAGE: Rules[Exchange] = (
    (Code.CERTIFICATE_NOT_ADMITTED, certificate_not_admitted),
    (Code.MIXED_RECIPIENTS, mixed_recipients),
    (Code.MESSAGE_TOO_LARGE, message_too_large),
)
OF_USAGERS_MESSAGE: Rules[Exchange] = (
    (Code.CONTACT_NOT_OPENED, contact_not_opened),
    (Code.CONTACT_ENDED, contact_ended),
    (Code.REPLY_NOT_ALLOWED, reply_not_allowed),
)
RULES: tuple[tuple[Code, Callable[..., Found]], ...] = tuple(
    sorted(
        (*OF_SENDER, *OF_RECIPIENT, *BETWEEN_HOMES, *OF_MESSAGE, *OF_USAGERS_MESSAGE),
        key=lambda rule: ORDER[rule[0]],
    )
)


def refusals(x: Exchange) -> Reasons:
    """Return every reason against an exchange, the most decisive first."""
    sender, recipient = x.sender, x.recipient
    found = (
        _against_sender(sender.home, sender.mailbox)
        + _against_recipient(recipient.home, recipient.mailbox)
        + _between(sender.home, recipient.home)
        + _found(OF_MESSAGE, x)
    )
    if x.needs_contact:
        found += _found(OF_USAGERS_MESSAGE, x)
    return tuple(sorted(found, key=_decisiveness)) if len(found) > 1 else found


@lru_cache(maxsize=_REMEMBERED)
def _against_sender(home: Home, mailbox: Mailbox) -> Reasons:
    return _found(OF_SENDER, home, mailbox)


@lru_cache(maxsize=_REMEMBERED)
def _against_recipient(home: Home, mailbox: Mailbox) -> Reasons:
    return _found(OF_RECIPIENT, home, mailbox)


@lru_cache(maxsize=_REMEMBERED)
def _between(sender: Home, recipient: Home) -> Reasons:
    return _found(BETWEEN_HOMES, sender, recipient)


def _found(rules: Rules[*LookedAt], *looked_at: *LookedAt) -> Reasons:
    return tuple([ReasonGiven(code, facts) for code, rule in rules if (facts := rule(*looked_at)) is not None])


def _decisiveness(reason: ReasonGiven) -> int:
    return ORDER[reason.code]


def acceptances(x: Exchange) -> Reasons:
    """Return every reason for an exchange that nothing stands against."""
    if not x.sender.home.usager:
        return _for_professionnel(x.sender.home, x.recipient.home)
    found: list[ReasonGiven] = []
    if _contact_open(x) and x.contact.opened_by is not None:
        found.append(ReasonGiven(Code.CONTACT_OPEN, (x.contact.opened_by,)))
    if is_open_pharmacy(x):
        found.append(ReasonGiven(Code.PHARMACY_OPEN_TO_USAGERS, x.recipient.mailbox.positions()))
    return tuple(found)


@lru_cache(maxsize=_REMEMBERED)
def _for_professionnel(sender: Home, recipient: Home) -> Reasons:
    to = Code.PROFESSIONNEL_TO_USAGER if recipient.usager else Code.PROFESSIONNEL_TO_PROFESSIONNEL
    return (ReasonGiven(to, tuple(sorted({*sender.domain.positions(), *recipient.domain.positions()}))),)
