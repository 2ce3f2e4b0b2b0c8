"""One connection of a Postfix server: requests become questions to the gateway core, its replies become actions.

`DUNNO` lets pass: `OK` would skip what the administrator put behind the service. Whatever cannot be answered is
deferred, so that nothing ever passes because of an error here.
"""

from collections.abc import AsyncIterator
from typing import Final

from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.postfix.codec import MalformedError, Request, Requests, encode
from huissier.adapters.gateway.postfix.underway import Underway
from huissier.adapters.gateway.replies import OUT_OF_STEP, PASS, UNAVAILABLE, Reply
from huissier.adapters.gateway.transaction import Peer, Transaction
from huissier.adapters.gateway.watching import in_sight_of

# No recipient to decide on; at BDAT, which came in place of DATA, Postfix does not say how many recipients there are.
_NOT_YET: Final = {"CONNECT", "EHLO", "HELO", "MAIL", "VRFY", "ETRN", "BDAT"}


class PolicySession:
    """Answers request by request; a malformed one is deferred and ends the connection."""

    def __init__(self, gateway: Gateway, underway: Underway) -> None:
        """`underway` is shared by all connections of the process."""
        self._gateway = gateway
        self._underway = underway
        self._connection = object()
        self._requests = Requests()
        self._instance = ""
        self.is_over = False

    @property
    def at_rest(self) -> bool:
        """Whether no request has begun: a server opens another connection for its next one."""
        return self._requests.is_between

    async def answers(self, received: bytes) -> AsyncIterator[bytes]:
        """Yield an action for each request."""
        try:
            for request in self._requests.feed(received):
                yield encode(_action(in_sight_of(self._gateway.watch, await self._reply(request))))
        except MalformedError as problem:
            self._gateway.watch.failed(problem)
            self.is_over = True
            yield encode(_action(UNAVAILABLE))

    def closed(self) -> None:
        """Keep what is under way: a server may go on about it on another connection."""

    async def _reply(self, request: Request) -> Reply:
        if request.state in _NOT_YET:
            return PASS
        if not request.instance:
            return OUT_OF_STEP
        self._follow(request.instance)
        if request.state == "RCPT":
            return await self._begun(request).recipient(
                request.recipient, size=request.size or None, on=self._connection
            )
        message = self._underway.find(request.instance)
        if message is None or message.sender != request.sender:
            return OUT_OF_STEP
        if not message.agrees_with(request.recipient_count, request.recipient):
            return OUT_OF_STEP
        if request.state == "DATA":
            return PASS
        if request.state == "END-OF-MESSAGE":
            return await message.message(request.queue_id, size=request.size or None)
        return OUT_OF_STEP

    def _follow(self, instance: str) -> None:
        """Forget the message before: a server that asks about another one on this connection is done with it."""
        if self._instance != instance:
            self._underway.drop(self._instance)
            self._instance = instance

    def _begun(self, request: Request) -> Transaction:
        """Return the request's message, begun with its first recipient."""
        message = self._underway.find(request.instance)
        if message is None or message.sender != request.sender:
            peer = Peer(certificate_cn=request.certificate_cn, login=request.login or None)
            message = self._gateway.begin(request.instance, request.sender, peer)
            self._underway.keep(request.instance, message)
        return message


def _action(reply: Reply) -> str:
    if reply.kind == "pass":
        return "DUNNO"
    if reply.kind == "refuse":
        return reply.text
    return f"DEFER_IF_PERMIT {reply.text.partition(' ')[2]}"  # a later restriction may still refuse for good
