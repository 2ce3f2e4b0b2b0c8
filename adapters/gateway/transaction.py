"""The gateway core: one message in one SMTP session, asked about in two stages.

At RCPT each recipient is decided; a refusal is recorded then, once, and a permission is not. At the end of the
message the submission is recorded for those who were let through, decided again inside the pen: all or none. Whatever
goes wrong here defers; nothing passes because of an error.
"""

import asyncio
import re
import time
from typing import Final, Literal

from msgspec import Struct

from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.errors import InvalidCommandError, StoreError
from huissier.adapters.gateway.let_through import LetThrough
from huissier.adapters.gateway.replies import OUT_OF_STEP, PASS, UNAVAILABLE, UNREADABLE, Reply, reply_for, reply_to
from huissier.adapters.gateway.watching import UNWATCHED, Watch
from huissier.domain.answers import Answer
from huissier.domain.commands import ReportDelivery, Stage, SubmitMessage
from huissier.domain.reasons import Code
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError

NullSender = Literal["reports", "pass", "refuse"]

_LONG_QUEUE_ID: Final = re.compile(r"[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]+")
_LONGEST: Final = 1_000  # no address is half as long, so a text cut here is still none
_LARGEST: Final = 10**12


class Policy(Struct, frozen=True, kw_only=True):
    """How a gateway asks.

    `name`: tells this gateway's submissions from those of others. `final_hop`: the mailboxes of `hosted` domains are
    here, so that accepting a message for them is delivering it. `timeout`: seconds to wait for the store.
    `null_sender`: what becomes of messages from nobody, as reports (bounce, MDN) are. `reports`: let through from a
    mail server to one recipient who may receive mail, if the content is a report or cannot be seen; `pass`: always let
    through; `refuse`: never.
    """

    name: str
    hosted: frozenset[str] = frozenset()
    final_hop: bool = False
    timeout: float = 10.0
    null_sender: NullSender = "reports"

    def hosts(self, address: str) -> bool:
        """Say whether the mailbox of an address, in any spelling, is here."""
        return _canonical(address).rpartition("@")[2] in self.hosted


class Peer(Struct, frozen=True, kw_only=True):
    """Who is at the other end, as far as the gateway knows: whose certificate was shown, and who logged in."""

    certificate_dn: str | None = None
    certificate_cn: str | None = None
    login: str | None = None


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

    def __init__(
        self,
        engine: AsyncEngine,
        policy: Policy,
        key: str,
        sender: str,
        peer: Peer = NOBODY_KNOWN,
        watch: Watch = UNWATCHED,
    ) -> None:
        """`key` tells this message from all others at this gateway, also when it is asked about again."""
        self._engine = engine
        self._policy = policy
        self._key = key
        self._sender = _readable(sender)
        self._peer = peer
        self._watch = watch
        self._let_through = LetThrough()
        self.came_to_its_end = False

    @property
    def key(self) -> str:
        """What tells this message from others."""
        return self._key

    @property
    def sender(self) -> str:
        """From whom it is said to be."""
        return self._sender

    @property
    def let_through(self) -> tuple[str, ...]:
        """The recipients let through so far, each once."""
        return tuple(self._let_through)

    def agrees_with(self, count: int, named: str) -> bool:
        """Say whether a mail server that counts its recipients can mean those let through here.

        `named`: the recipient where there is one; otherwise empty.
        """
        if named and _canonical(_readable(named)) not in self._let_through:
            return False
        return self._let_through.adds_up_to(count)

    async def recipient(self, spelled: str, *, size: int | None = None, on: object = None) -> Reply:
        """Decide one recipient before the message has come; a refusal is recorded, once. Never raises.

        `on`: the connection that asks.
        """
        spelled = _readable(spelled)
        whom = _canonical(spelled)
        if not self._let_through.has_room_for(whom):
            return UNAVAILABLE
        command = self._at_rcpt(spelled, whom, size)
        if self._is_from_nobody and self._may_come_from_nobody(
            len(self._let_through) + (whom not in self._let_through)
        ):
            reply = await self._judged_by_recipient(command)
        else:
            reply, _ = await self._asked(command)
        if reply.kind == "pass":
            self._let_through.add(whom, on)
        return reply

    def unasked(self, spelled: str) -> Reply:
        """Let a recipient through whom the mail server could not refuse alone: the end of the message decides."""
        whom = _canonical(_readable(spelled))
        if not self._let_through.has_room_for(whom):
            return UNAVAILABLE
        self._let_through.add(whom, None)
        return PASS

    async def message(self, queue_id: str, *, size: int | None = None, content: Content = UNSEEN) -> Reply:
        """Record the submission for everybody let through, or refuse it for all. Never raises."""
        self.came_to_its_end = True
        if not self._let_through:
            return OUT_OF_STEP
        if self._is_from_nobody and self._may_come_from_nobody(len(self._let_through), content):
            return await self._judged_by_recipient(self._at_end(queue_id, size, content))
        final = self._policy.final_hop and all(map(self._policy.hosts, self._let_through))
        command = self._at_end(queue_id, size, content, final)
        reply, answer = await self._asked(command)
        if answer is not None and [one.recipient for one in answer.verdicts] != command.recipients:
            return OUT_OF_STEP  # somebody else asked under this id, or this message came to its end before with others
        if answer is not None and reply.kind == "pass" and self._policy.final_hop and not final:
            await self._delivered_here(answer)
        return reply

    def _at_rcpt(self, spelled: str, whom: str, size: int | None) -> SubmitMessage:
        id_ = f"{self._policy.name}/{self._key}/rcpt/{self._engine.engine.digest(whom)}"
        return self._submission(id_, [spelled], "rcpt", size)

    def _at_end(self, queue_id: str, size: int | None, content: Content, final_hop: bool = False) -> SubmitMessage:
        recipients = list(self._let_through)
        return self._submission(self._id(queue_id), recipients, "end-of-message", size, content, final_hop)

    def _submission(
        self,
        id_: str,
        recipients: list[str],
        stage: Stage,
        size: int | None,
        content: Content = UNSEEN,
        final_hop: bool = False,
    ) -> SubmitMessage:
        return SubmitMessage(
            id=id_,
            sender=self._sender,
            recipients=recipients,
            reply_to=_cut(content.reply_to),
            subject=_cut(content.subject),
            mss_mes=_cut(content.mss_mes),
            in_reply_to=_cut(content.in_reply_to),
            message_id=_cut(content.message_id),
            size=None if size is None else min(size, _LARGEST),
            certificate_dn=self._peer.certificate_dn,
            certificate_cn=self._peer.certificate_cn,
            final_hop=final_hop,
            stage=stage,
        )

    def _id(self, queue_id: str) -> str:
        """Return the submission's id: with the queue id alone, which delivery reports name, if that is never reused."""
        if _LONG_QUEUE_ID.fullmatch(queue_id):
            return f"{self._policy.name}/{queue_id}"
        return f"{self._policy.name}/{queue_id}/{self._key}"

    @property
    def _is_from_nobody(self) -> bool:
        return self._sender in ("", "<>")

    def _may_come_from_nobody(self, recipients: int, content: Content = UNSEEN) -> bool:
        """Say whether a message may come from nobody; otherwise it is refused like any from a bad address.

        A report comes from a mail server, not from somebody who logged in, and goes to one recipient: the sender of the
        message it reports on.
        """
        if self._policy.null_sender == "reports":
            return self._peer.login is None and recipients == 1 and content.is_report is not False
        return self._policy.null_sender == "pass"

    async def _judged_by_recipient(self, command: SubmitMessage) -> Reply:
        """Let a message from nobody pass, unrecorded, if its recipient may receive mail; else refuse it like any other.

        A refusal in shadow lets it pass.
        """
        if self._policy.null_sender == "pass":
            return self._passed(command)
        try:
            [verdict] = await self._engine.check(command, timeout=self._policy.timeout)
        except Exception as problem:
            reply = self._excused(problem, command)
            self._have_told(command, reply, 0.0)
            return reply
        engine = self._engine.engine
        against = {reason.code for reason in verdict.reasons}.difference(engine.options.shadow_reasons)
        if engine.can_read(command.recipients[0]) and against <= {Code.ADDRESS_INVALID}:
            return self._passed(command)
        return (await self._asked(command))[0]

    async def _delivered_here(self, answer: Answer) -> None:
        """Of a message to several places, report the delivery to those whose mailboxes are here.

        The message is accepted already: what cannot be reported now, the mail server's log tells again. Whoever was
        let through in shadow has received nothing that the rules know of.
        """
        here = [
            one.recipient for one in answer.verdicts if one.outcome == "accepted" and self._policy.hosts(one.recipient)
        ]
        reports = [ReportDelivery(id=answer.id or "", recipient=recipient, status="delivered") for recipient in here]
        await asyncio.gather(*map(self._report, reports))

    async def _report(self, command: ReportDelivery) -> None:
        try:
            await self._engine.handle(command, timeout=self._policy.timeout)
        except Exception as problem:
            self._watch.failed(problem)

    async def _asked(self, command: SubmitMessage) -> tuple[Reply, Answer | None]:
        """Return the reply, and the answer behind it where there is one; whatever goes wrong defers.

        The watch is told when the reply is on its way.
        """
        began = time.perf_counter()
        answer = None
        try:
            reply = self._let_pass_at_once(command) if command.stage == "rcpt" else None
            if reply is None:
                answer = await self._engine.handle(command, timeout=self._policy.timeout)
                reply = reply_to(answer)
        except Exception as problem:
            reply = self._excused(problem, command)
        self._have_told(command, reply, time.perf_counter() - began)
        return reply, answer

    def _excused(self, problem: Exception, command: SubmitMessage) -> Reply:
        """Return the reply in place of a decision; at RCPT an unreadable command is refused: a retry would not help."""
        self._watch.failed(problem)
        return UNREADABLE if isinstance(problem, InvalidCommandError) and command.stage == "rcpt" else UNAVAILABLE

    def _passed(self, command: SubmitMessage) -> Reply:
        """Let something pass that is not to be decided, and tell the watch."""
        self._have_told(command, PASS, 0.0)
        return PASS

    def _have_told(self, command: SubmitMessage, reply: Reply, seconds: float) -> None:
        asyncio.get_running_loop().call_soon(self._watch.decided, command, reply, seconds, self._peer.login)

    def _let_pass_at_once(self, command: SubmitMessage) -> Reply | None:
        """Let a recipient pass where nothing stands against it, without the pen: that leaves no fact (docs/adr/0040).

        None where something does, for that is decided with the pen and recorded, or where nobody can tell at once.
        """
        try:
            reply = reply_for(self._engine.engine.check_at_once(command))
        except StoreError:
            return None
        return reply if reply.kind == "pass" else None


def _readable(text: str) -> str:
    """Return a text that a command may hold; what was no address before is none after."""
    return text[:_LONGEST].encode("utf-8", "replace").decode("utf-8")


def _cut(text: str | None) -> str | None:
    return None if text is None else _readable(text)


def _canonical(spelled: str) -> str:
    """Return one text for all spellings of an address, or the text itself where it is none."""
    try:
        return MailboxAddress.parse(spelled).text
    except VocabularyError:
        return spelled
