"""`Message`: the decision on one submission, recipient by recipient, and what an accepted one brings about."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from unicodedata import normalize

from msgspec.structs import replace

from huissier.domain.commands import SubmitMessage
from huissier.domain.contact import UNKNOWN as NO_CONTACT
from huissier.domain.contact import Contact
from huissier.domain.events import MessageDecided, ReasonGiven, VerdictGiven
from huissier.domain.facts import Facts
from huissier.domain.home import Homes, nowhere
from huissier.domain.identities import Identities
from huissier.domain.mailbox import UNKNOWN as NO_MAILBOX
from huissier.domain.reasons import Code
from huissier.domain.rule_set import RuleSet
from huissier.domain.rules import Exchange, Party, Reasons, acceptances, refusals
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName
from huissier.domain.vocabulary.errors import VocabularyError
from huissier.domain.vocabulary.ins import mentions_ins

FIN_SUBJECT = "[FIN]"
_FIN_HEADER = re.compile(r"\bFIN\b", re.IGNORECASE)


def decide_message(
    command: SubmitMessage,
    identities: Identities,
    at: datetime,
    facts: Facts,
    rules: RuleSet,
    homes: Homes | None = None,
) -> MessageDecided:
    """Decide a submission under a rule set, on the facts in force at its time.

    A recipient named twice is decided once; unreadable recipients share one verdict under the empty text, and those
    among them that name a usager another. `homes`: those already found in these facts.
    """
    homes = Homes(facts) if homes is None else homes
    sender = _party(identities.addresses[command.sender], at, facts, rules, homes)
    recipients = {
        identities.written(recipient): _party(identities.addresses[recipient], at, facts, rules, homes)
        for recipient in command.recipients
    }
    certificate_known = _knows_certificate(command)
    certificate = _certificate(command) if certificate_known else None
    mixed = len(recipients) > 1 and _is_mixed(recipients.values())
    given = [
        _verdict(
            written,
            Exchange(
                at=at,
                sender=sender,
                recipient=recipient,
                contact=_contact(sender, recipient, at, facts),
                certificate_known=certificate_known,
                certificate=certificate,
                in_reply_to=identities.in_reply_to,
                size=command.size,
                mixed=mixed,
            ),
        )
        for written, recipient in recipients.items()
    ]
    verdicts = _as_a_whole(given) if command.stage == "end-of-message" else tuple(given)
    effects = _effects(command, identities, sender, verdicts, at, rules, homes)
    return MessageDecided(
        at=at,
        id=identities.submission,
        sender=identities.written(command.sender),
        verdicts=verdicts,
        rules=rules.label,
        final_hop=command.final_hop,
        size=command.size,
        reply_to=identities.written(command.reply_to) if command.reply_to else None,
        message_id=identities.message_id,
        in_reply_to=identities.in_reply_to,
        fin_subject=command.subject == FIN_SUBJECT,
        fin_header=says_fin(command.mss_mes),
        certificate=_kept(certificate) if certificate_known else None,
        stage=command.stage,
        whole=True,
        opens=effects.opens,
        ends=effects.ends,
        unanswerable=effects.unanswerable,
    )


def _party(address: MailboxAddress | None, at: datetime, facts: Facts, rules: RuleSet, homes: Homes) -> Party:
    if address is None:
        return Party(None, nowhere(at, rules), NO_MAILBOX)
    return Party(address, homes.of(address, at, rules), facts.mailbox(address).as_of(at))


def _is_mixed(parties: Iterable[Party]) -> bool:
    return len({party.home.usager for party in parties if party.address is not None}) > 1


def _contact(sender: Party, recipient: Party, at: datetime, facts: Facts) -> Contact:
    if not sender.home.usager or recipient.home.usager or sender.address is None or recipient.address is None:
        return NO_CONTACT
    return facts.contact(sender.address, recipient.address).as_of(at)


def leaves_a_fact(decided: MessageDecided) -> bool:
    """Say whether a decision is recorded: at RCPT, before the message has come, only where nobody is let through."""
    return decided.stage != "rcpt" or not any(verdict.passes for verdict in decided.verdicts)


def says_fin(mss_mes: str | None) -> bool:
    """Say whether X-MSS-MES says FIN; comments, quotes, parameters and wide letters around it hide nothing."""
    return mss_mes is not None and _FIN_HEADER.search(normalize("NFKC", mss_mes)) is not None


def _knows_certificate(command: SubmitMessage) -> bool:
    return command.certificate_dn is not None or command.certificate_cn is not None


def _certificate(command: SubmitMessage) -> CertificateDn | CommonName | None:
    """Read the peer's certificate; a name that cannot be read is paired with no domain."""
    try:
        if command.certificate_dn is not None:
            return CertificateDn.parse(command.certificate_dn)
        return None if command.certificate_cn is None else CommonName.parse(command.certificate_cn)
    except VocabularyError:
        return None


def _kept(certificate: CertificateDn | CommonName | None) -> str:
    """Return a certificate's name as the log keeps it; one that no white list may hold is kept as an unreadable one."""
    if isinstance(certificate, CommonName):
        return "" if mentions_ins(certificate.value) else str(certificate)
    return "" if certificate is None or certificate.mentions_ins else str(certificate)


def _verdict(recipient: str, exchange: Exchange) -> VerdictGiven:
    against = refusals(exchange)
    return VerdictGiven(
        recipient=recipient,
        accepted=not against,
        usager=exchange.recipient.home.usager,
        shadow=bool(against) and _in_shadow(exchange, against),
        reasons=against or acceptances(exchange),
    )


def _in_shadow(exchange: Exchange, against: Reasons) -> bool:
    """Say whether a refusal is in shadow: all its reasons are, or an operator at one of the ends is."""
    sender, recipient = exchange.sender.home, exchange.recipient.home
    options = sender.rules.options
    return not {sender.domain.operator, recipient.domain.operator}.isdisjoint(options.shadow_operators) or all(
        reason.code in options.shadow_reasons for reason in against
    )


def _as_a_whole(verdicts: list[VerdictGiven]) -> tuple[VerdictGiven, ...]:
    """Refuse everybody where one recipient is refused: a gateway answers once at the end of a message."""
    if all(verdict.passes for verdict in verdicts):
        return tuple(verdicts)
    return tuple(_refused_too(verdict) if verdict.passes else verdict for verdict in verdicts)


def _refused_too(verdict: VerdictGiven) -> VerdictGiven:
    against = () if verdict.accepted else verdict.reasons
    other = ReasonGiven(Code.OTHER_RECIPIENT_REFUSED)
    return replace(verdict, accepted=False, shadow=False, reasons=(*against, other))


class _Effects(NamedTuple):
    """The professional addresses whose contacts a message opens, or ends, or in which it may not be answered."""

    opens: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    unanswerable: tuple[str, ...] = ()


_NO_EFFECTS = _Effects()


def _effects(
    command: SubmitMessage,
    identities: Identities,
    sender: Party,
    verdicts: tuple[VerdictGiven, ...],
    at: datetime,
    rules: RuleSet,
    homes: Homes,
) -> _Effects:
    """Say what a professionnel's message does to the contacts with the usagers it was accepted for (rules 2, 4, 6).

    `[FIN]` and a FIN header apply to the sender's address and to the reply address alike.
    """
    if sender.home.usager or not any(verdict.accepted and verdict.usager for verdict in verdicts):
        return _NO_EFFECTS
    reply_address = _reply_address(command, identities, at, rules, homes)
    both = tuple(dict.fromkeys(a for a in (_written(sender.address), reply_address) if a))
    fin_header = says_fin(command.mss_mes)
    ended = command.subject == FIN_SUBJECT or (fin_header and rules.options.fin_header == "ends-contact")
    gaining = [reply_address] if reply_address else []
    if rules.options.co_recipients == "all":
        gaining += [v.recipient for v in verdicts if v.accepted and not v.usager]
    return _Effects(
        opens=() if ended or fin_header else tuple(dict.fromkeys(gaining)),
        ends=both if ended else (),
        unanswerable=both if fin_header else (),
    )


def _reply_address(
    command: SubmitMessage, identities: Identities, at: datetime, rules: RuleSet, homes: Homes
) -> str | None:
    """Return whom a usager may answer (rule 2).

    The Reply-To where it is a professionnel's address in the trust space, else the sender. A Reply-To that
    cannot be read, or that names a usager, opens nothing: the sender asked not to be answered directly.
    """
    address = identities.addresses[command.sender]
    if command.reply_to:
        reply_to = identities.addresses[command.reply_to]
        if reply_to is None:
            return None
        home = homes.of(reply_to, at, rules)
        if home.usager:
            return None
        if home.domain.is_admitted(home.at, rules):
            address = reply_to
    return _written(address)


def _written(address: MailboxAddress | None) -> str:
    return "" if address is None else address.text
