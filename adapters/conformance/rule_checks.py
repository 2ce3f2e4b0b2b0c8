"""Who may write to whom, over either protocol. What can be refused at RCPT must be: there, for that recipient."""

from collections.abc import Iterator
from contextlib import contextmanager

from huissier.adapters.conformance import world as w
from huissier.adapters.conformance.checks import Checks
from huissier.adapters.conformance.heard import Heard
from huissier.adapters.conformance.mail_server import MailServer, Session
from huissier.adapters.conformance.wire import FoundError
from huissier.adapters.testing.hospital import (
    CABINET_CN,
    DOCTOR,
    NOBODY,
    OUTSIDER,
    PATIENTS,
    REMOTE_DOCTOR,
    SECRETARIAT,
    SURGEON,
    ins,
)
from huissier.domain.vocabulary.ins import mentions_ins

rule_checks = Checks("postfix", "milter")
TOO_LARGE = 25_000_001


@contextmanager
def begun(server: MailServer[Session], sender: str, **how: object) -> Iterator[Session]:
    """Open a session and begin a message in it."""
    with server.session() as session:
        session.begin(sender, **how)  # type: ignore[arg-type]
        yield session


def asked(server: MailServer[Session], sender: str, recipient: str, **how: object) -> Heard:
    """Return what one recipient is answered."""
    with begun(server, sender, **how) as session:
        return session.recipient(recipient)


def sent(server: MailServer[Session], sender: str, *recipients: str) -> Heard:
    """Send a message whose recipients must all be let through, and return the answer at its end."""
    with begun(server, sender) as session:
        for recipient in recipients:
            session.recipient(recipient).passes()
        return session.end()


@rule_checks("rule 3: professionnels exchange between admitted domains")
def professionnels_write_to_each_other(server: MailServer[Session]) -> None:
    """A professionnel writes to colleagues here and elsewhere, known or not."""
    sent(server, DOCTOR, SURGEON, REMOTE_DOCTOR, REMOTE_DOCTOR.replace("petit", "jamais-vu")).passes()


@rule_checks("rule 1: only professionals start")
def a_usager_does_not_start(server: MailServer[Session]) -> None:
    """A usager does not reach a professionnel who has not written."""
    asked(server, w.NEVER_MET, SURGEON).refuses("CONTACT_NOT_OPENED")


@rule_checks("rules 1 and 2: the right begins with delivery and is per contact")
def whoever_was_written_to_may_write(server: MailServer[Session]) -> None:
    """A usager who has received a message may write to its sender, and to nobody else."""
    sent(server, w.IN_TOUCH, DOCTOR).passes()
    asked(server, w.IN_TOUCH, SURGEON).refuses("CONTACT_NOT_OPENED")


@rule_checks("rule 1: a gateway that is the final hop records delivery with acceptance")
def an_accepted_message_opens_a_contact(server: MailServer[Session]) -> None:
    """Once a message to a usager is accepted here, the usager may answer; at RCPT nothing is opened yet."""
    with begun(server, DOCTOR) as session:
        session.recipient(w.TO_MEET).passes()
        asked(server, w.TO_MEET, DOCTOR).refuses("CONTACT_NOT_OPENED")
        session.end().passes()
    sent(server, w.TO_MEET, DOCTOR).passes()


@rule_checks("rule 6: of a message to several, only who may be answered gains a contact")
def a_co_recipient_gains_no_contact(server: MailServer[Session]) -> None:
    """A usager may answer whoever wrote, and not the colleague who got the same message."""
    sent(server, DOCTOR, w.TO_MEET_ONE, SURGEON).passes()
    asked(server, w.TO_MEET_ONE, DOCTOR).passes()
    asked(server, w.TO_MEET_ONE, SURGEON).refuses("CONTACT_NOT_OPENED")


@rule_checks("rule 1: a session that is abandoned leaves no accepted message behind")
def an_abandoned_message_opens_nothing(server: MailServer[Session]) -> None:
    """A message that was given up after RCPT opens no contact."""
    with begun(server, DOCTOR) as session:
        session.recipient(w.TO_LEAVE).passes()
        session.abort()
    asked(server, w.TO_LEAVE, DOCTOR).refuses("CONTACT_NOT_OPENED")


@rule_checks("rule 3: usager to usager never")
def a_usager_does_not_reach_a_usager(server: MailServer[Session]) -> None:
    """A usager does not reach another."""
    asked(server, w.IN_TOUCH, w.PARTED).refuses("USAGER_TO_USAGER")


@rule_checks("rule 4: a message whose subject is [FIN] ends the contact")
def an_ended_contact_is_ended(server: MailServer[Session]) -> None:
    """A usager does not reach a professionnel who has ended their exchange, nor a pharmacy that has."""
    for professionnel in (DOCTOR, w.PHARMACY):
        asked(server, w.PARTED, professionnel).refuses("CONTACT_ENDED")


@rule_checks("rule 5: a later message opens the contact again")
def an_ended_contact_opens_again(server: MailServer[Session]) -> None:
    """A usager whose contact was ended may write again once the professionnel has."""
    asked(server, w.TO_MEET_AGAIN, DOCTOR).refuses("CONTACT_ENDED")
    sent(server, DOCTOR, w.TO_MEET_AGAIN).passes()
    sent(server, w.TO_MEET_AGAIN, DOCTOR).passes()


@rule_checks("rule 6: decide recipient by recipient")
def recipients_are_decided_one_by_one(server: MailServer[Session]) -> None:
    """Of several recipients those who may be written to are, and the others are refused alone."""
    with begun(server, DOCTOR) as session:
        session.recipient(SURGEON).passes()
        session.recipient(OUTSIDER).refuses("RECIPIENT_DOMAIN_NOT_ADMITTED")
        session.recipient(w.IN_TOUCH).passes()
        session.end().passes()


@rule_checks("rule 7: a usager may write first to a pharmacy's published ORG mailbox")
def a_pharmacy_is_open_to_usagers(server: MailServer[Session]) -> None:
    """A usager may write first to a pharmacy."""
    sent(server, w.NEVER_MET, w.PHARMACY).passes()


@rule_checks("rules 1 and 7: it must be a pharmacy's, an ORG mailbox and published")
def only_pharmacies_are_open_to_usagers(server: MailServer[Session]) -> None:
    """A usager does not write first to another ORG mailbox, to a pharmacien or to a pharmacy on the liste rouge."""
    for professionnel in (SECRETARIAT, w.PHARMACIST, w.HIDDEN_PHARMACY):
        asked(server, w.NEVER_MET, professionnel).refuses("CONTACT_NOT_OPENED")


@rule_checks("rule 8: both ends must be in the white list")
def both_domains_must_be_admitted(server: MailServer[Session]) -> None:
    """Nobody writes to a domain, or from one, that is not in the white list."""
    asked(server, DOCTOR, OUTSIDER).refuses("RECIPIENT_DOMAIN_NOT_ADMITTED")
    asked(server, OUTSIDER, DOCTOR).refuses("SENDER_DOMAIN_NOT_ADMITTED")


@rule_checks("rule 8: a withdrawn domain or certificate is refused at once for new mail")
def what_was_withdrawn_is_refused(server: MailServer[Session]) -> None:
    """Nobody writes to a domain, or from one, that has left the white list, or shows a certificate that has."""
    asked(server, DOCTOR, w.FORMER).refuses("RECIPIENT_DOMAIN_NOT_ADMITTED")
    asked(server, w.FORMER, DOCTOR).refuses("SENDER_DOMAIN_NOT_ADMITTED")
    asked(server, REMOTE_DOCTOR, DOCTOR, certificate=w.FORMER_CN).refuses("CERTIFICATE_NOT_ADMITTED")


@rule_checks("rule 8: the certificate must be paired with the sender's domain")
def a_certificate_must_be_the_domains(server: MailServer[Session]) -> None:
    """A server that shows another domain's certificate is refused, and one that shows its own is not."""
    asked(server, REMOTE_DOCTOR, DOCTOR, certificate="mss.ailleurs.fr").refuses("CERTIFICATE_NOT_ADMITTED")
    asked(server, REMOTE_DOCTOR, DOCTOR, certificate=CABINET_CN).passes()


@rule_checks("rule 9: an unknown mailbox of a hosted domain is refused")
def an_unknown_mailbox_here_is_refused(server: MailServer[Session]) -> None:
    """Of a hosted domain only mailboxes that exist are written to, or from."""
    asked(server, DOCTOR, NOBODY).refuses("RECIPIENT_UNKNOWN")
    asked(server, NOBODY, DOCTOR).refuses("SENDER_UNKNOWN")


@rule_checks("rule 9: addresses are compared whole and in lower case")
def case_and_a_trailing_dot_change_nothing(server: MailServer[Session]) -> None:
    """Capitals and a dot behind the domain make no other address: what is refused stays so, what may pass does."""
    for spell in (str.upper, str.title, lambda address: f"{address}."):
        asked(server, spell(w.IN_TOUCH), spell(DOCTOR)).passes()
        asked(server, spell(w.NEVER_MET), spell(SURGEON)).refuses("CONTACT_NOT_OPENED")


@rule_checks("rule 9: a spelling that is not plainly one address is never the mailbox it resembles")
def no_spelling_passes_for_another_mailbox(server: MailServer[Session]) -> None:
    """Tags, routes, quotes and look-alikes of an address here are refused."""
    for spelled in look_alikes(DOCTOR):
        heard = asked(server, SURGEON, spelled)
        try:
            heard.refuses("ADDRESS_INVALID", "RECIPIENT_UNKNOWN", "RECIPIENT_DOMAIN_NOT_ADMITTED")
        except FoundError as problem:
            raise FoundError(f"{spelled!r} {problem}") from None


def look_alikes(address: str) -> list[str]:
    """Return texts that look like the address but are not it."""
    local, _, domain = address.partition("@")
    return [
        f"{local}+suivi@{domain}",
        f"{local}%{domain}@{domain}",
        f"{domain}!{local}@{domain}",
        f'"{local}"@{domain}',
        f"@{domain}:{address}",
        f"{local.replace('a', chr(0x430))}@{domain}",
        f"{local}.@{domain}",
        f"{address}@{domain}",
        f"{address},{address}",
        f"{address}..",
        local,
    ]


@rule_checks("rule 9: an INS is only ever the whole local part")
def part_of_an_ins_is_nobody(server: MailServer[Session]) -> None:
    """A usager is written to under the whole INS: without its key, or with a tag, it is no address."""
    for local in (ins(1)[:13], f"{ins(1)}+suivi", f"{ins(1)[:14]}{(int(ins(1)[14]) + 1) % 10}"):
        asked(server, DOCTOR, f"{local}@{PATIENTS}").refuses("ADDRESS_INVALID")


@rule_checks("RFC 5321 and rule 9: an empty recipient is no address")
def an_empty_recipient_is_refused(server: MailServer[Session]) -> None:
    """A recipient that is empty is refused, and what comes behind it is answered as ever."""
    with begun(server, DOCTOR) as session:
        session.recipient("").refuses("ADDRESS_INVALID")
        session.recipient(SURGEON).passes()


@rule_checks("EX_DCU_5010, rule 10: a holder who has not signed the CGU in force may not send")
def cgu_are_signed_before_sending(server: MailServer[Session]) -> None:
    """Whoever has not signed the CGU in force, or only those before, does not write, and is written to."""
    for holder in (w.UNSIGNED, w.OUTDATED):
        asked(server, holder, DOCTOR).refuses("CGU_NOT_SIGNED")
        asked(server, DOCTOR, holder).passes()


@rule_checks("rule 11: all mail of a hosted domain needs an operator that signed the contrat")
def an_operator_without_contrat_has_no_mail(server: MailServer[Session]) -> None:
    """Nobody writes from a hosted domain, or to one, whose operator has not signed the contrat."""
    asked(server, w.MIDWIFE, DOCTOR).refuses("OPERATOR_NOT_CONTRACTED")
    asked(server, DOCTOR, w.MIDWIFE).refuses("OPERATOR_NOT_CONTRACTED")


@rule_checks("rule 11: exchanges with usagers need an operator committed to 1.4")
def an_uncommitted_operator_has_no_exchanges_with_usagers(server: MailServer[Session]) -> None:
    """An operator without Annexe 2, or without the avenant it needs, has no mail with usagers, and all other mail."""
    for professionnel in (w.CLINICIAN, w.VETERAN):
        asked(server, professionnel, w.IN_TOUCH).refuses("OPERATOR_NOT_COMMITTED")
        asked(server, professionnel, DOCTOR).passes()


@rule_checks("rule 12: a suspended mailbox neither sends nor receives")
def a_suspended_mailbox_is_still(server: MailServer[Session]) -> None:
    """A suspended mailbox neither sends nor receives, and one that was resumed does both."""
    asked(server, DOCTOR, w.SUSPENDED).refuses("RECIPIENT_SUSPENDED")
    asked(server, w.SUSPENDED, DOCTOR).refuses("SENDER_SUSPENDED")
    for pair in ((DOCTOR, w.RESUMED), (w.RESUMED, DOCTOR)):
        asked(server, *pair).passes()


@rule_checks("rule 12: a deleted mailbox neither sends nor receives")
def a_deleted_mailbox_is_gone(server: MailServer[Session]) -> None:
    """A deleted mailbox neither sends nor receives, nor does a usager's whose ENS is closed."""
    for mailbox in (w.DELETED, w.LEFT):
        asked(server, DOCTOR, mailbox).refuses("RECIPIENT_DELETED")
        asked(server, mailbox, DOCTOR).refuses("SENDER_DELETED")


@rule_checks("rule 13: 25 MB in total to the usagers' domain")
def a_declared_size_counts_at_rcpt(server: MailServer[Session]) -> None:
    """A message that is announced as too large for usagers is refused at RCPT, and not to professionnels."""
    asked(server, DOCTOR, w.IN_TOUCH, size=TOO_LARGE).refuses("MESSAGE_TOO_LARGE")
    asked(server, DOCTOR, SURGEON, size=TOO_LARGE).passes()


@rule_checks("rule 13: 25 MB in total to the usagers' domain")
def the_real_size_counts_at_the_end(server: MailServer[Session]) -> None:
    """A message that turns out too large for a usager is refused at its end, for its other recipients too."""
    with begun(server, DOCTOR) as session:
        for recipient in (w.IN_TOUCH, SURGEON):
            session.recipient(recipient).passes()
        session.end(size=TOO_LARGE).refuses("MESSAGE_TOO_LARGE")


@rule_checks("decision 3 and EX_PSU_5020: no INS where it does not belong")
def no_answer_tells_an_ins(server: MailServer[Session]) -> None:
    """No answer repeats a usager's INS, however spaced: the sender's server would keep it in its log."""
    with begun(server, DOCTOR) as session:
        session.recipient(w.IN_TOUCH).passes()
        at_the_end = session.end(size=TOO_LARGE)
    pairs = [(w.NEVER_MET, SURGEON), (OUTSIDER, w.NEVER_MET), (w.IN_TOUCH, w.NEVER_MET)]
    pairs.append((DOCTOR, w.NEVER_MET.replace("@", "+suivi@")))
    for heard in (at_the_end, *(asked(server, *pair) for pair in pairs)):
        heard.refuses()
        if mentions_ins(heard.text):
            raise FoundError("the answer tells the INS of a usager")
