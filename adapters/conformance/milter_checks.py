"""What is particular to the milter protocol: headers, packets, and the life of a session."""

from contextlib import suppress

from huissier.adapters.conformance import world as w
from huissier.adapters.conformance.checks import Checks
from huissier.adapters.conformance.heard import Heard
from huissier.adapters.conformance.milter import MilterClient, macros, packet
from huissier.adapters.conformance.rule_checks import asked
from huissier.adapters.conformance.wire import ClosedError, FoundError, SilentError
from huissier.adapters.testing.hospital import DOCTOR, OUTSIDER, SURGEON

milter_checks = Checks("milter")
_SHORT = 0.3  # seconds to wait for what must not come


def _sent(server: MilterClient, sender: str, recipient: str, *headers: tuple[str, str]) -> Heard:
    with server.session() as session:
        session.begin(sender)
        session.recipient(recipient).passes()
        return session.end(headers=headers)


@milter_checks("rule 4: a message whose subject is exactly [FIN] ends the contact")
def fin_ends_a_contact(server: MilterClient) -> None:
    """A message with the subject `[FIN]` ends the contact; other case, or words around it, do not."""
    for subject in ("Re: [FIN]", "[fin]", "xx [FIN] yy", "FIN"):
        _sent(server, DOCTOR, w.TO_PART, ("Subject", subject)).passes()
        asked(server, w.TO_PART, DOCTOR).passes()
    _sent(server, DOCTOR, w.TO_PART, ("Subject", "[FIN]")).passes()
    asked(server, w.TO_PART, DOCTOR).refuses("CONTACT_ENDED")


@milter_checks("ECO.2.2.8, rule 4: X-MSS-MES: FIN forbids the answer")
def a_message_with_the_fin_header_opens_nothing(server: MilterClient) -> None:
    """A message with `X-MSS-MES: FIN` opens no contact; one that says something else there does."""
    _sent(server, DOCTOR, w.TO_BE_SILENT, ("X-MSS-MES", "FIN")).passes()
    asked(server, w.TO_BE_SILENT, DOCTOR).refuses("CONTACT_NOT_OPENED")
    _sent(server, DOCTOR, w.TO_READ_ON, ("X-MSS-MES", "AUTRE")).passes()
    asked(server, w.TO_READ_ON, DOCTOR).passes()


@milter_checks("ECO.2.2.8, rule 4: X-MSS-MES: FIN forbids the answer, and ends no contact")
def a_message_with_the_fin_header_is_not_answered(server: MilterClient) -> None:
    """A message with `X-MSS-MES: FIN` cannot be answered; within an open contact, any other may be."""
    _sent(server, DOCTOR, w.TO_KEEP, ("X-MSS-MES", "FIN"), ("Message-ID", "<fin@exemple.fr>")).passes()
    _sent(server, w.TO_KEEP, DOCTOR, ("In-Reply-To", "<fin@exemple.fr>")).refuses("REPLY_NOT_ALLOWED")
    _sent(server, w.TO_KEEP, DOCTOR, ("In-Reply-To", "<autre@exemple.fr>")).passes()


@milter_checks("rule 2: where Reply-To names an MSSanté address, the right is for that address")
def reply_to_is_who_may_be_answered(server: MilterClient) -> None:
    """A message with a Reply-To opens a contact with that address and not with the sender."""
    _sent(server, DOCTOR, w.TO_ANSWER_ELSEWHERE, ("Reply-To", f"Secretariat <{SURGEON}>")).passes()
    asked(server, w.TO_ANSWER_ELSEWHERE, SURGEON).passes()
    asked(server, w.TO_ANSWER_ELSEWHERE, DOCTOR).refuses("CONTACT_NOT_OPENED")


@milter_checks("decision 26: headers are read so that doubt opens nothing")
def a_doubtful_reply_to_opens_nothing(server: MilterClient) -> None:
    """Two Reply-To headers, which nobody can tell apart, open no contact."""
    headers = (("Reply-To", DOCTOR), ("Reply-To", SURGEON))
    _sent(server, DOCTOR, w.TO_MISREAD, *headers).passes()
    for professionnel in (DOCTOR, SURGEON):
        asked(server, w.TO_MISREAD, professionnel).refuses("CONTACT_NOT_OPENED")


@milter_checks("contract: null_sender = reports: from nobody only reports pass")
def from_nobody_only_reports_pass(server: MilterClient) -> None:
    """A message from nobody passes where its content says that it is a report, and else not."""
    for content, may_pass in (("multipart/report; report-type=delivery-status", True), ("text/plain", False)):
        with server.session() as session:
            session.begin("")
            session.recipient(DOCTOR).passes()
            heard = session.end(headers=[("Content-Type", content)])
            heard.passes() if may_pass else heard.does_not_pass()


@milter_checks("contract: the decision is taken on the address that the server resolved")
def the_resolved_address_counts(server: MilterClient) -> None:
    """What the server resolved (`{rcpt_addr}`) is decided on, for that is where the message goes."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient("secretaire", resolved=SURGEON).passes()
        session.recipient(SURGEON, resolved=OUTSIDER).refuses("RECIPIENT_DOMAIN_NOT_ADMITTED")


@milter_checks("milter protocol: a length, a letter, data; packets come in pieces")
def packets_in_pieces_are_packets(server: MilterClient) -> None:
    """Packets that come in many small pieces are answered once they are whole."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON, pieces=40).passes()
        session.recipient(OUTSIDER, pieces=40).refuses("RECIPIENT_DOMAIN_NOT_ADMITTED")


@milter_checks("milter protocol: exactly one answer an event")
def each_event_has_one_answer(server: MilterClient) -> None:
    """A recipient and an end have one answer each, and ABORT has none."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        session.end().passes()
        session.abort()
        if not session.connection.is_silent(_SHORT):
            raise FoundError("something was answered that nobody asked")


@milter_checks("contract: ABORT also comes behind the end of a message; it takes nothing back")
def a_late_abort_takes_nothing_back(server: MilterClient) -> None:
    """ABORT behind the end of a message is no rollback, and the session goes on."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(w.TO_PLAY[0]).passes()
        session.end().passes()
        session.abort()
        session.begin(w.TO_PLAY[0])
        session.recipient(DOCTOR).passes()


@milter_checks("contract: an aborted message leaves nothing to the next")
def an_abort_drops_recipients(server: MilterClient) -> None:
    """The recipients of an aborted message are not those of the next one."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        session.abort()
        session.begin(DOCTOR)
        session.recipient(OUTSIDER).refuses()  # where there is no RCPT at all, some libraries skip the end
        session.end().does_not_pass()


@milter_checks("contract: what is not the protocol closes the connection")
def what_is_malformed_is_never_let_through(server: MilterClient) -> None:
    """An unknown command, a packet without an end or of absurd length, RCPT before MAIL: nothing passes."""
    for told in (packet("z"), b"\xff\xff\xff\xffR", b"\0\0\0\0", packet("R", b"<no end")):
        with server.session() as session:
            session.begin(DOCTOR)
            session.tell(told, macros("R", {"{rcpt_addr}": SURGEON}), packet("R", f"<{SURGEON}>\0".encode()))
            try:
                session.hear().does_not_pass()
            except ClosedError:
                continue
    with server.session() as session, suppress(ClosedError, SilentError):  # libmilter ignores it without a word
        session.recipient(SURGEON).does_not_pass()


@milter_checks("milter protocol: QUIT ends, QUIT_NC begins anew on the same connection")
def quit_ends_and_a_new_connection_begins_anew(server: MilterClient) -> None:
    """Behind QUIT_NC another session begins, without anything of the one before; QUIT closes."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        session.tell(packet("K"))
        session.greet()
        session.begin(w.NEVER_MET)
        session.recipient(SURGEON).refuses("CONTACT_NOT_OPENED")
        session.end().does_not_pass()
        session.tell(packet("Q"))
        try:
            session.hear()
        except ClosedError:
            return
        raise FoundError("the connection was not closed")
