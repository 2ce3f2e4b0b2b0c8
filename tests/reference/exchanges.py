"""The exchanges that a log's decisions were about, put together once more from the facts before each."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from huissier.domain.asked import submission_behind
from huissier.domain.commands import SubmitMessage
from huissier.domain.contact import UNKNOWN as NO_CONTACT
from huissier.domain.events import AnyEvent, MessageDecided, VerdictGiven
from huissier.domain.facts import Facts
from huissier.domain.home import Home
from huissier.domain.identities import Identities
from huissier.domain.mailbox import UNKNOWN as NO_MAILBOX
from huissier.domain.needs import needs
from huissier.domain.operator import UNKNOWN as NO_OPERATOR
from huissier.domain.replay import rules_named
from huissier.domain.rule_set import USAGERS_DOMAIN, RuleSet
from huissier.domain.rules import Exchange, Party
from huissier.domain.tags import tags_of
from huissier.domain.timeline import Fact
from huissier.domain.trust_space import UNKNOWN as NO_DOMAIN
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName
from huissier.domain.vocabulary.errors import VocabularyError


def exchanges_in(log: Sequence[AnyEvent]) -> Iterator[tuple[Exchange, VerdictGiven]]:
    """Yield every exchange that a log has a verdict on; positions count from 1."""
    facts = Facts()
    facts.learn(dict.fromkeys(tag for event in log for tag in tags_of(event) if ":" in tag))
    for position, event in enumerate(log, 1):
        if isinstance(event, MessageDecided):
            command, who = submission_behind(event)
            book = rules_named(event.rules)
            assert book is not None, event.rules
            given = exchanges(command, who, event.at, facts, book.at(event.at))
            yield from zip(given, event.verdicts, strict=True)
        facts.add(tags_of(event), Fact(event.at, position, event))


def exchanges(
    command: SubmitMessage, who: Identities, at: datetime, facts: Facts, rules: RuleSet
) -> Iterator[Exchange]:
    """Yield the exchange with each recipient of a message; whom it needs and nobody told of is taken as unknown."""
    for missing in needs([(command, who)], facts):
        facts.learn(missing)
    sender = _party(who.addresses[command.sender], at, facts, rules)
    recipients = [_party(who.addresses[recipient], at, facts, rules) for recipient in command.recipients]
    kinds = {party.home.usager for party in recipients if party.address is not None}
    known, certificate = _certificate(command)
    for recipient in recipients:
        contact = NO_CONTACT
        if sender.home.usager and not recipient.home.usager and sender.address and recipient.address:
            contact = facts.contact(sender.address, recipient.address).as_of(at)
        yield Exchange(
            at=at,
            sender=sender,
            recipient=recipient,
            contact=contact,
            certificate_known=known,
            certificate=certificate,
            in_reply_to=who.in_reply_to,
            size=command.size,
            mixed=len(kinds) == 2,
        )


def _party(address: MailboxAddress | None, at: datetime, facts: Facts, rules: RuleSet) -> Party:
    """Say who is at one end at the very moment, not at the first that is as good."""
    if address is None:
        return Party(None, Home(None, NO_DOMAIN, NO_OPERATOR, usager=False, rules=rules, at=at), NO_MAILBOX)
    domain = facts.domain(address.domain).as_of(at)
    operator = facts.operator(domain.operator).as_of(at) if domain.operator else NO_OPERATOR
    usager = address.domain == USAGERS_DOMAIN or operator.kind == "usager"
    return Party(address, Home(address.domain, domain, operator, usager, rules, at), facts.mailbox(address).as_of(at))


def _certificate(command: SubmitMessage) -> tuple[bool, CertificateDn | CommonName | None]:
    try:
        if command.certificate_dn is not None:
            return True, CertificateDn.parse(command.certificate_dn)
        if command.certificate_cn is not None:
            return True, CommonName.parse(command.certificate_cn)
    except VocabularyError:
        return True, None
    return False, None
