"""A policy server that decides nothing, to measure what it costs a Postfix to ask at all, and to be refused.

It lets everybody pass except recipients at example.org.
"""

import asyncio
import sys

_REFUSED = (
    b"action=550 5.7.1 RECIPIENT_DOMAIN_NOT_ADMITTED Le domaine du destinataire ne fait pas partie de MSSante\n\n"
)


class _Nothing(asyncio.Protocol):
    """Answers each request once its empty line has come, after a mere look at its bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport, self._rest = transport, b""

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\n\n")
        for request in requests:
            self._transport.write(_REFUSED if b"@example.org\n" in request else b"action=DUNNO\n\n")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Nothing, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
