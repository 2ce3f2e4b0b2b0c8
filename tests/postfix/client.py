"""Who sends: one SMTP session, and what each recipient and the message were answered."""

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

_QUEUED_AS = re.compile(r"queued as (\w+)")


class Sent(NamedTuple):
    """What a message came to: a reply a recipient, the reply to it, and its queue id if it was taken."""

    recipients: dict[str, str]
    message: str
    queue_id: str | None

    @property
    def is_taken(self) -> bool:
        """Whether the server has taken it."""
        return self.queue_id is not None


@contextmanager
def session(port: int) -> Iterator[smtplib.SMTP]:
    """Open a session; it is aborted if it is still open in the end."""
    server = smtplib.SMTP("127.0.0.1", port, timeout=60)
    try:
        server.ehlo("peer.test.invalid")
        yield server
    finally:
        server.close()


def begin(server: smtplib.SMTP, sender: str, *recipients: str) -> dict[str, str]:
    """Name sender and recipients; return the replies to the latter, or that to the sender where it is against it."""
    reply = _text(server.mail(sender))
    if not reply.startswith("250"):
        return dict.fromkeys(recipients, reply)
    return {recipient: _text(server.rcpt(recipient)) for recipient in recipients}


def finish(server: smtplib.SMTP, content: str) -> str:
    """Send the message; return the reply to it."""
    try:
        return _text(server.data(content.replace("\n", "\r\n")))
    except smtplib.SMTPDataError as refused:
        return _text((refused.smtp_code, refused.smtp_error))


def send(port: int, sender: str, *recipients: str, subject: str = "Bonjour", headers: str = "") -> Sent:
    """Send a message to those recipients that are let through, in a session of its own."""
    with session(port) as server:
        replies = begin(server, sender, *recipients)
        if not any(reply.startswith("250") for reply in replies.values()):
            return Sent(replies, "", None)
        reply = finish(server, f"Subject: {subject}\n{headers}\nBonjour\n")
        queued = _QUEUED_AS.search(reply)
        return Sent(replies, reply, queued[1] if queued else None)


def _text(reply: tuple[int, bytes | str]) -> str:
    code, text = reply
    return f"{code} {text.decode() if isinstance(text, bytes) else text}"
