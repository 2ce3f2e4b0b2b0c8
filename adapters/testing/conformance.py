"""The conformance suite as pytest tests: one test per check."""

from collections.abc import Callable
from functools import cache

import pytest

from huissier.adapters.conformance.checks import Check, Protocol
from huissier.adapters.conformance.running import SEED, SESSIONS, checks_of, problem_of, server_at
from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.gateway.serving.listening import parse_address


def conformance_tests(
    protocol: Protocol,
    connect: str | Callable[[], str],
    *,
    sessions: int = SESSIONS,
    seed: int = SEED,
    seconds: float = 10.0,
    decision_header: str = DECISION_HEADER,
) -> Callable[[Check], None]:
    """Return a parametrised test that plays every check against a gateway; a failure names the requirement it breaks.

    `connect`: `inet:HOST:PORT` or `unix:PATH`, or a function that returns it, called once as the first test begins. The
    gateway must have loaded `huissier conformance world` into a fresh store. `seconds`: how long an answer may take.
    `decision_header`: the name under which a milter adds its decision, if it adds one.
    """

    where = cache(lambda: parse_address(connect if isinstance(connect, str) else connect()))

    checks = checks_of(protocol, sessions=sessions, seed=seed, decision_header=decision_header)

    @pytest.mark.parametrize("check", checks, ids=lambda check: check.name)
    def test_the_gateway_conforms(check: Check) -> None:
        problem = problem_of(check, server_at(protocol, where(), seconds))
        if problem is not None:
            pytest.fail(f"{check.sentence}\n{problem}\nbreaks: {check.requirement}", pytrace=False)

    return test_the_gateway_conforms
