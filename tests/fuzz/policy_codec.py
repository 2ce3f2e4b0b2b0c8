"""Fuzzes the policy protocol's codec: any bytes, cut anywhere, are the same requests, or malformed at the same place.

uv run python -m tests.fuzz.policy_codec -max_total_time=10
"""

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
    include=["huissier.adapters.gateway.postfix"]
):
    from huissier.adapters.gateway.postfix.codec import MalformedError, Request, Requests, encode


def read(data: bytes, size: int) -> tuple[list[Request], bool]:
    """Return the requests before one is malformed, and whether one is, of bytes that come in pieces of a size."""
    requests: Requests = Requests()
    found: list[Request] = []
    try:
        for place in range(0, len(data), size):
            for request in requests.feed(data[place : place + size]):
                found.append(request)  # noqa: PERF402 what came before a malformed one counts
    except MalformedError:
        return found, True
    return found, False


def look(data: bytes) -> None:
    """Read the data whole, and in pieces of as many bytes as its first one says."""
    size, sent = (data[0] or 1, data[1:]) if data else (1, b"")
    found, malformed = read(sent, max(1, len(sent)))
    assert (found, malformed) == read(sent, size)
    for request in found:
        assert request.state.isascii()
        assert min(request.size, request.recipient_count) >= 0
        assert encode(request.recipient).endswith(b"\n\n")


if __name__ == "__main__":
    atheris.Setup(sys.argv, look)
    atheris.Fuzz()
