"""What is particular to Postfix's policy protocol."""

from huissier.adapters.conformance import world as w
from huissier.adapters.conformance.checks import Checks
from huissier.adapters.conformance.postfix import PolicyClient, PolicySession
from huissier.adapters.conformance.wire import ClosedError, FoundError
from huissier.adapters.testing.hospital import DOCTOR, OUTSIDER, REMOTE_DOCTOR, SURGEON

postfix_checks = Checks("postfix")
_SHORT = 0.3  # seconds to wait for what must not come


def _rcpt(session: PolicySession, recipient: str = SURGEON, sender: str = DOCTOR) -> bytes:
    session.begin(sender)
    return session.request("RCPT", recipient=recipient)


@postfix_checks("SMTPD_POLICY_README: action=… and an empty line; a CRLF reply hangs the client")
def replies_end_with_lf_alone(server: PolicyClient) -> None:
    """A reply is one line `action=…` and an empty one, each ended by LF alone."""
    with server.session() as session:
        session.connection.tell(_rcpt(session))
        heard = session.connection.until(b"\n\n")
        if b"\r" in heard or not heard.startswith(b"action=") or heard.count(b"\n") != 2:
            raise FoundError(f"the reply was {heard!r}")


@postfix_checks("contract: DUNNO and never OK, which skips later restrictions")
def what_may_pass_is_dunno(server: PolicyClient) -> None:
    """What may pass is answered DUNNO, at RCPT, at DATA and at the end."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        session.ask(session.request("DATA", recipient_count="1")).passes()
        session.end().passes()


@postfix_checks("contract: nothing is decided before there is a recipient")
def early_stages_pass(server: PolicyClient) -> None:
    """CONNECT, EHLO, HELO, MAIL, VRFY and ETRN are let through."""
    with server.session() as session:
        session.begin(DOCTOR)
        for state in ("CONNECT", "EHLO", "HELO", "MAIL", "VRFY", "ETRN"):
            session.ask(session.request(state)).passes()


@postfix_checks("SMTPD_POLICY_README: attributes may come that nobody knows, in any order")
def unknown_names_are_passed_over(server: PolicyClient) -> None:
    """Names that a newer server adds are passed over, and order means nothing."""
    with server.session() as session:
        lines = _rcpt(session).rstrip(b"\n").split(b"\n")
        session.ask(b"\n".join([b"policy_context=x", b"new_name=a=b", *reversed(lines)]) + b"\n\n").passes()


@postfix_checks("a stream has no packets: requests come in pieces")
def a_request_in_pieces_is_one_request(server: PolicyClient) -> None:
    """A request that comes byte by byte, or split in its last line's end, is answered once it is whole."""
    with server.session() as session:
        request = _rcpt(session)
        session.ask(*(request[at : at + 1] for at in range(len(request)))).passes()
        request = _rcpt(session, OUTSIDER)
        session.ask(request[:-1], request[-1:]).refuses("RECIPIENT_DOMAIN_NOT_ADMITTED")


@postfix_checks("a stream has no packets: requests come together")
def requests_in_one_piece_are_answered_in_order(server: PolicyClient) -> None:
    """Requests that come together are answered one by one, in their order."""
    with server.session() as session:
        session.connection.tell(_rcpt(session) + _rcpt(session, OUTSIDER) + _rcpt(session))
        session.hear().passes()
        session.hear().refuses("RECIPIENT_DOMAIN_NOT_ADMITTED")
        session.hear().passes()


@postfix_checks("contract: Postfix asks again on another connection when it heard nothing")
def asked_again_elsewhere_it_is_the_same_answer(server: PolicyClient) -> None:
    """The same request on another connection, at RCPT and at the end, has the same answer."""
    with server.session() as first, server.session() as second, server.session() as third:
        first.begin(DOCTOR)
        for session in (second, third):
            session.values, session.queue_id = first.values, first.queue_id
        for recipient in (SURGEON, OUTSIDER):
            heard = [session.recipient(recipient) for session in (first, second)]
            if heard[0] != heard[1]:
                raise FoundError(f"{heard[0].text!r} on the first, {heard[1].text!r} on the second")
        for session in (first, second, third):
            session.end(recipient_count="1").passes()


@postfix_checks("contract: a message that is not known is deferred, never let through")
def an_end_without_a_beginning_is_deferred(server: PolicyClient) -> None:
    """The end of a message that nobody asked about before is deferred."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.end(recipient_count="1").defers()


@postfix_checks("contract: recipients that were not let through here defer the message")
def another_count_of_recipients_is_deferred(server: PolicyClient) -> None:
    """A message with more or fewer recipients than were let through is deferred at its end."""
    with server.session() as session:
        for count in ("0", "2", "7"):
            session.begin(DOCTOR)
            session.recipient(SURGEON).passes()
            session.end(recipient_count=count).defers()


@postfix_checks("contract: a message belongs to its sender")
def another_sender_under_the_same_instance_is_deferred(server: PolicyClient) -> None:
    """The end of a message in another sender's name is deferred."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        session.end(sender=REMOTE_DOCTOR).defers()


@postfix_checks("contract: whatever cannot be decided is deferred")
def a_state_that_nobody_knows_is_deferred(server: PolicyClient) -> None:
    """A protocol state that nobody knows does not pass."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.ask(session.request("ORACLE", recipient=SURGEON)).defers()


@postfix_checks("SMTPD_POLICY_README: lines end in LF")
def crlf_is_never_let_through(server: PolicyClient) -> None:
    """A request whose lines end in CRLF is not taken for one that may pass."""
    with server.session() as session:
        _never_passes(session, _rcpt(session).replace(b"\n", b"\r\n") + b"\n\n")


@postfix_checks("contract: a request that is none is deferred and the connection closed")
def what_is_malformed_is_never_let_through(server: PolicyClient) -> None:
    """Lines without `=`, a request of another kind, none at all, a number that is none: nothing passes."""
    for content in (
        b"no equals sign\n\n",
        b"request=other\nprotocol_state=RCPT\n\n",
        b"request=smtpd_access_policy\n\n",
        b"\n\n\n",
        b"\x00\xff\n\n",
    ):
        with server.session() as session:
            _never_passes(session, content)
    with server.session() as session:
        _never_passes(session, _rcpt(session).replace(b"size=0", b"size=12x"))
    with server.session() as session:
        session.ask(_rcpt(session)).passes()


@postfix_checks("contract: a request is bounded")
def what_is_too_large_is_never_let_through(server: PolicyClient) -> None:
    """A request of a megabyte, with an end or without, does not pass and holds up nobody."""
    with server.session() as session:
        _never_passes(session, _rcpt(session)[:-1] + b"x=" + b"y" * 1_000_000 + b"\n\n")
    with server.session() as session:
        session.ask(_rcpt(session)).passes()
    with server.session() as endless, server.session() as session:
        endless.connection.tell(_rcpt(endless)[:-1] + b"x=" + b"y" * 1_000_000)
        session.ask(_rcpt(session)).passes()
        if not endless.connection.is_silent(_SHORT):
            _hears_no_pass(endless)


@postfix_checks("contract: a half request waits, and is none")
def half_a_request_is_not_answered(server: PolicyClient) -> None:
    """Half a request is not answered; its other half may come later, and others are answered meanwhile."""
    with server.session() as half, server.session() as whole:
        request = _rcpt(half)
        half.connection.tell(request[:40])
        if not half.connection.is_silent(_SHORT):
            raise FoundError("half a request was answered")
        whole.ask(_rcpt(whole)).passes()
        half.ask(request[40:]).passes()


@postfix_checks("contract: another message on a connection ends the one before")
def a_message_left_behind_is_deferred_at_a_late_end(server: PolicyClient) -> None:
    """A server that has begun another message on a connection has done with the one before."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(w.PLAYERS[0]).passes()
        late = session.request("END-OF-MESSAGE", recipient_count="1", queue_id=session.queue_id)
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        session.end().passes()
        session.ask(late).defers()


def _never_passes(session: PolicySession, told: bytes) -> None:
    """Send something and then nothing more: it must be refused or deferred, or the connection closed."""
    session.connection.tell(told)
    _hears_no_pass(session)


def _hears_no_pass(session: PolicySession) -> None:
    try:
        session.hear().does_not_pass()
    except ClosedError:
        return
