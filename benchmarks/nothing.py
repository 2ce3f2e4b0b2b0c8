"""A policy server that lets everything pass and does nothing else: what asking at all costs a Postfix."""

import asyncio
import sys


class _Nothing(asyncio.Protocol):
    """Answers each request when its empty line has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport, self._rest = transport, b""

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\n\n")
        self._transport.write(b"action=DUNNO\n\n" * len(requests))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Nothing, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
