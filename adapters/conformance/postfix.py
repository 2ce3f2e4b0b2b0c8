"""A Postfix server that asks a policy service (`check_policy_service`)."""

import re
from typing import Final

from huissier.adapters.conformance.heard import Heard
from huissier.adapters.conformance.mail_server import MailServer, Names
from huissier.adapters.conformance.wire import Connection

END = b"\n\n"
_REPLY: Final = re.compile(r"([45])[0-9]{2} +\S.*")  # a number without a text means OK to Postfix, whatever it is


class PolicySession:
    """One smtpd process: one connection, message after message."""

    def __init__(self, connection: Connection, names: Names) -> None:
        self.connection = connection
        self._names = names
        self.begin("")

    def begin(self, sender: str, *, size: int = 0, certificate: str = "") -> None:
        """Begin a message."""
        self.values = {
            "sender": sender,
            "size": str(size),
            "ccert_subject": certificate,
            "instance": self._names.instance(),
        }
        self.queue_id = self._names.queue_id()
        self.passed = 0

    def recipient(self, address: str) -> Heard:
        """Ask about one recipient."""
        heard = self.ask(self.request("RCPT", recipient=address))
        self.passed += heard.kind == "pass"
        return heard

    def end(self, *, size: int = 1_000, **values: str) -> Heard:
        """Ask about the whole message."""
        values = {"recipient_count": str(self.passed), "queue_id": self.queue_id, "size": str(size), **values}
        return self.ask(self.request("END-OF-MESSAGE", **values))

    def abort(self) -> None:
        """Give the message up; Postfix sends nothing then."""

    def request(self, state: str, **values: str) -> bytes:
        """Return a request, with the other attributes that Postfix sends."""
        named = {
            "request": "smtpd_access_policy",
            "protocol_state": state,
            "protocol_name": "ESMTP",
            "helo_name": "mx.exemple.fr",
            "queue_id": "",
            "recipient": "",
            "recipient_count": "0",
            "client_address": "192.0.2.1",
            "ccert_fingerprint": "",
            **self.values,
            **values,
        }
        return "".join(f"{name}={value}\n" for name, value in named.items()).encode("utf-8", "surrogateescape") + b"\n"

    def ask(self, *request: bytes) -> Heard:
        """Send a request, in pieces or whole, and return the action."""
        self.connection.tell(*request)
        return self.hear()

    def hear(self) -> Heard:
        """Return the next action."""
        return read_action(self.connection.until(END))


PolicyClient = MailServer[PolicySession]


def read_action(answer: bytes) -> Heard:
    """Read an action; what Postfix would not take for one is `other`."""
    text = answer.decode("utf-8", "replace").removesuffix("\n\n")
    if not text.startswith("action=") or "\n" in text or "\r" in text:
        return Heard("other", text)
    said = text.removeprefix("action=")
    match said.partition(" ")[0].upper():  # Postfix ignores case
        case "DUNNO":
            return Heard("pass", said)
        case "DEFER_IF_PERMIT" | "DEFER":
            return Heard("defer", said)
        case "REJECT":
            return Heard("refuse", said)
    if reply := _REPLY.fullmatch(said):
        return Heard("defer" if reply[1] == "4" else "refuse", said)
    return Heard("other", said)
