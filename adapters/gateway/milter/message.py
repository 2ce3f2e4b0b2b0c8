"""One message as a mail filter sees it: what it has been told so far."""

from typing import Final

from huissier.adapters.gateway.milter.headers import Headers
from huissier.adapters.gateway.milter.packets import MalformedError
from huissier.adapters.gateway.replies import Reply
from huissier.adapters.gateway.transaction import Transaction

_MOST_FORGED: Final = 100  # each is an edit, and a mail server looks for each from the beginning


class Message:
    """Its transaction, its headers, its size, and how many headers pretend to be ours."""

    def __init__(
        self, transaction: Transaction, queue_id: str, declared_size: int | None, *, comes_by_smtp: bool
    ) -> None:
        """`queue_id`: where it is known so early. `declared_size`: SIZE of the MAIL command, in bytes."""
        self.transaction = transaction
        self.comes_by_smtp = comes_by_smtp
        self.queue_id = queue_id
        self.declared_size = declared_size
        self.size = len(b"\r\n")  # between headers and body
        self.forged = 0
        self._headers = Headers()

    def add_header(self, name: bytes, value: bytes, forgeable: str) -> None:
        """Take a header; `forgeable` is the name that only huissier may use, if any. Raises `MalformedError`."""
        lines = value.count(b"\n") - value.count(b"\r\n")  # folds come with LF alone, and were sent with CRLF
        self.size += len(name) + len(b": ") + len(value) + lines + len(b"\r\n")
        known = name.decode("utf-8", "replace").strip().lower()
        if known == forgeable.lower():
            self.forged += 1
            if self.forged > _MOST_FORGED:
                raise MalformedError("a message has too many headers that only huissier writes")
        self._headers.add(known, value)

    def add_body(self, chunk: bytes) -> None:
        """Take a piece of the body; only its length is looked at."""
        self.size += len(chunk)

    async def decided(self, queue_id: str) -> Reply:
        """Record it for everybody let through, or refuse it for all. Never raises."""
        return await self.transaction.message(queue_id, size=self.size, content=self._headers.content())
