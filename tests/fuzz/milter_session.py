"""Fuzzes the milter: any bytes, cut anywhere, are answered as `tests/gateway/milter/oracle.py` says.

uv run python -m tests.fuzz.milter_session -max_total_time=10
"""

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
    include=["huissier.adapters.gateway.milter"]
):
    from tests.gateway.milter.oracle import hold

from tests.gateway.milter.mta import offer


def look(data: bytes) -> None:
    """Tell the data whole, and in pieces of as many bytes as its first one says, behind an agreement."""
    size, told = (data[0] or 1, offer() + data[1:]) if data else (1, b"")
    recorded = hold([told])
    assert recorded == hold(told[place : place + size] for place in range(0, len(told), size))


if __name__ == "__main__":
    atheris.Setup(sys.argv, look)
    atheris.Fuzz()
