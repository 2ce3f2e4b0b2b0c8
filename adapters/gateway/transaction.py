"""The gateway core: one message in one SMTP session, asked about in two stages.

At RCPT each recipient is decided; a refusal is recorded then, once, and a permission is not. At the end of the
message the submission is recorded for those who were let through, decided again inside the pen: all or none. Whatever
goes wrong here defers; nothing passes because of an error.
"""

import re
from collections import Counter
from typing import Final, Literal

from msgspec import Struct

from huissier.adapters.async_engine import AsyncEngine
from huissier.adapters.errors import HuissierError
from huissier.adapters.gateway.replies import OUT_OF_STEP, PASS, UNAVAILABLE, Reply, reply_to
from huissier.domain.answers import Answer
from huissier.domain.commands import ReportDelivery, SubmitMessage
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError

NullSender = Literal["reports", "pass", "refuse"]

_LONG_QUEUE_ID: Final = re.compile(r"[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]+")
_MOST_RECIPIENTS: Final = 10_000


class Policy(Struct, frozen=True, kw_only=True):
    """How a gateway asks.

    `name`: tells this gateway's submissions from those of others. `final_hop`: the mailboxes of `hosted` domains are
    here, so that accepting a message for them is delivering it. `timeout`: seconds to wait for the store.
    `null_sender`: a report (bounce, MDN) comes from nobody and is no message of anybody: let through where its content
    says that it is a report, or cannot be seen (`reports`), always (`pass`), or never (`refuse`).
    """

    name: str
    hosted: frozenset[str] = frozenset()
    final_hop: bool = False
    timeout: float = 10.0
    null_sender: NullSender = "reports"


class Peer(Struct, frozen=True):
    """Whose certificate the sending server showed, as far as the gateway knows."""

    certificate_dn: str | None = None
    certificate_cn: str | None = None


class Content(Struct, frozen=True, kw_only=True):
    """What the rules need of a message's headers; `is_report` is None where the gateway cannot see them."""

    reply_to: str | None = None
    subject: str | None = None
    mss_mes: str | None = None
    in_reply_to: str | None = None
    message_id: str | None = None
    is_report: bool | None = None


UNSEEN: Final = Content()
NOBODY_KNOWN: Final = Peer()


class Transaction:
    """One message of one session: first its recipients, then the message."""

    def __init__(self, engine: AsyncEngine, policy: Policy, key: str, sender: str, peer: Peer = NOBODY_KNOWN) -> None:
        """`key` tells this message from all others at this gateway, also when it is asked about again."""
        self._engine = engine
        self._policy = policy
        self._key = key
        self._sender = sender
        self._peer = peer
        self._let_through: Counter[str] = Counter()

    @property
    def key(self) -> str:
        """What tells this message from others."""
        return self._key

    @property
    def let_through(self) -> tuple[str, ...]:
        """The recipients let through so far, each once."""
        return tuple(self._let_through)

    def agrees_with(self, count: int) -> bool:
        """Say whether a mail server that counts its recipients can mean those let through here.

        It counts one that was named twice as two, and asks about one twice when it heard nothing.
        """
        return len(self._let_through) <= count <= self._let_through.total()

    async def recipient(self, spelled: str, *, size: int | None = None) -> Reply:
        """Decide one recipient before the message has come; a refusal is recorded, once. Never raises."""
        whom = _canonical(spelled)
        if self._is_from_nobody and self._policy.null_sender != "refuse" and not self._let_through.keys() - {whom}:
            self._let_through[whom] += 1
            return PASS
        reply = await self._asked(
            SubmitMessage(
                id=f"{self._policy.name}/{self._key}/rcpt/{self._engine.engine.digest(whom)}",
                sender=self._sender,
                recipients=[spelled],
                size=size,
                certificate_dn=self._peer.certificate_dn,
                certificate_cn=self._peer.certificate_cn,
                stage="rcpt",
            )
        )
        if reply.kind == "pass" and len(self._let_through) < _MOST_RECIPIENTS:
            self._let_through[whom] += 1
        elif reply.kind == "pass":
            return UNAVAILABLE
        return reply

    def forget(self, spelled: str) -> None:
        """Take back a recipient that the mail server refused for reasons of its own."""
        del self._let_through[_canonical(spelled)]

    async def message(self, queue_id: str, *, size: int | None = None, content: Content = UNSEEN) -> Reply:
        """Record the submission for everybody let through, or refuse it for all. Never raises."""
        if not self._let_through:
            return OUT_OF_STEP
        if self._is_from_nobody and self._takes_from_nobody(content):
            return PASS
        final = self._policy.final_hop and all(map(self._is_hosted, self._let_through))
        reply = await self._asked(
            SubmitMessage(
                id=self._submission(queue_id),
                sender=self._sender,
                recipients=list(self._let_through),
                reply_to=content.reply_to,
                subject=content.subject,
                mss_mes=content.mss_mes,
                in_reply_to=content.in_reply_to,
                message_id=content.message_id,
                size=size,
                certificate_dn=self._peer.certificate_dn,
                certificate_cn=self._peer.certificate_cn,
                final_hop=final,
                stage="end-of-message",
            )
        )
        if reply.kind == "pass" and self._policy.final_hop and not final:
            await self._delivered_here(reply)
        return reply

    def _submission(self, queue_id: str) -> str:
        """Return the submission's id: the queue id where it is never used again, which reports of delivery name."""
        if _LONG_QUEUE_ID.fullmatch(queue_id):
            return f"{self._policy.name}/{queue_id}"
        return f"{self._policy.name}/{queue_id}/{self._key}"

    @property
    def _is_from_nobody(self) -> bool:
        return self._sender in ("", "<>")

    def _takes_from_nobody(self, content: Content) -> bool:
        """Say whether a message from nobody passes without a decision; else it is refused like any bad address."""
        if self._policy.null_sender == "reports":
            return content.is_report is not False
        return self._policy.null_sender == "pass"

    def _is_hosted(self, address: str) -> bool:
        return address.rpartition("@")[2] in self._policy.hosted

    async def _delivered_here(self, reply: Reply) -> None:
        """Of a message to several places, report the delivery to those whose mailboxes are here.

        The message is accepted already: what cannot be reported now, the mail server's log tells again.
        """
        for recipient in filter(self._is_hosted, self._let_through):
            await self._handled(ReportDelivery(id=reply.decision or "", recipient=recipient, status="delivered"))

    async def _asked(self, command: SubmitMessage) -> Reply:
        answer = await self._handled(command)
        return UNAVAILABLE if answer is None else reply_to(answer)

    async def _handled(self, command: SubmitMessage | ReportDelivery) -> Answer | None:
        try:
            return await self._engine.handle(command, timeout=self._policy.timeout)
        except HuissierError:
            return None


def _canonical(spelled: str) -> str:
    """Return one text for all spellings of an address, or the text itself where it is none."""
    try:
        return MailboxAddress.parse(spelled).text
    except VocabularyError:
        return spelled
