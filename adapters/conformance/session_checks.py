"""What every session must do over either protocol, whoever may write to whom."""

from huissier.adapters.conformance import world as w
from huissier.adapters.conformance.checks import Checks
from huissier.adapters.conformance.mail_server import MailServer, Session
from huissier.adapters.conformance.rule_checks import begun, sent
from huissier.adapters.conformance.wire import FoundError
from huissier.adapters.testing.hospital import DOCTOR, OUTSIDER, REMOTE_DOCTOR, SURGEON

session_checks = Checks("postfix", "milter")


@session_checks("contract: a report from nobody passes to one recipient (null_sender = reports)")
def a_report_from_nobody_passes_to_one_recipient(server: MailServer[Session]) -> None:
    """A bounce has no sender: it passes to one recipient, and to no second one."""
    with begun(server, "") as session:
        session.recipient(DOCTOR).passes()
        session.recipient(SURGEON).refuses("ADDRESS_INVALID")


@session_checks("contract: one session, any number of messages")
def messages_of_a_session_have_nothing_to_do_with_each_other(server: MailServer[Session]) -> None:
    """On one connection each message is decided by itself."""
    with begun(server, DOCTOR) as session:
        session.recipient(SURGEON).passes()
        session.end().passes()
        session.begin(w.NEVER_MET)
        session.recipient(SURGEON).refuses("CONTACT_NOT_OPENED")
        session.end().does_not_pass()
        session.begin(SURGEON)
        session.recipient(REMOTE_DOCTOR).passes()
        session.end().passes()


@session_checks("contract: at the end a message without recipients is deferred")
def a_message_that_nobody_gets_does_not_pass(server: MailServer[Session]) -> None:
    """The end of a message all of whose recipients were refused does not pass."""
    with begun(server, DOCTOR) as session:
        session.recipient(OUTSIDER).refuses()
        session.end().does_not_pass()


@session_checks("contract: the same question has the same answer")
def a_recipient_named_twice_has_one_answer(server: MailServer[Session]) -> None:
    """The same recipient twice has the same answer, and the message goes on."""
    with begun(server, DOCTOR) as session:
        for recipient in (SURGEON, SURGEON.upper()):
            session.recipient(recipient).passes()
        first, second = (session.recipient(OUTSIDER) for _ in range(2))
        first.refuses()
        if first != second:
            raise FoundError(f"{first.text!r} at first, and then {second.text!r}")
        session.end().passes()


@session_checks("contract: one silent connection holds up no other")
def a_silent_connection_holds_up_no_other(server: MailServer[Session]) -> None:
    """While one session says nothing, others are answered; and it is still there when it goes on."""
    with begun(server, DOCTOR) as silent:
        silent.recipient(SURGEON).passes()
        for _ in range(20):
            sent(server, SURGEON, DOCTOR).passes()
        silent.end().passes()
