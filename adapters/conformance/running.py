"""Plays checks against an implementation and says what each found."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from huissier.adapters.conformance.checks import Check, Protocol
from huissier.adapters.conformance.decision_header_checks import decision_header_checks
from huissier.adapters.conformance.generated import generated_check
from huissier.adapters.conformance.mail_server import MailServer, Names, Session
from huissier.adapters.conformance.milter import MilterSession
from huissier.adapters.conformance.milter_checks import milter_checks
from huissier.adapters.conformance.postfix import PolicySession
from huissier.adapters.conformance.postfix_checks import postfix_checks
from huissier.adapters.conformance.rule_checks import rule_checks
from huissier.adapters.conformance.session_checks import session_checks
from huissier.adapters.conformance.wire import Connection, FoundError
from huissier.adapters.decision_header import DECISION_HEADER
from huissier.adapters.gateway.serving.listening import Address
from huissier.domain.vocabulary.ins import without_ins

SESSIONS: Final = 100
SEED: Final = 1

_SPOKEN: Final[dict[Protocol, Callable[[Connection, Names], Session]]] = {
    "postfix": PolicySession,
    "milter": MilterSession,
}


class Finding(Struct, frozen=True):
    """What a check found; `problem` is None where the check holds."""

    name: str
    requirement: str
    sentence: str
    problem: str | None = None


def checks_of(
    protocol: Protocol, *, sessions: int = SESSIONS, seed: int = SEED, decision_header: str = DECISION_HEADER
) -> list[Check]:
    """Return the checks of a protocol, generated sessions last.

    `decision_header`: the name under which a milter adds its decision, if it adds one.
    """
    own = postfix_checks.all
    if protocol == "milter":
        own = [*milter_checks.all, *decision_header_checks(decision_header)]
    return [*own, *rule_checks.all, *session_checks.all, generated_check(protocol, sessions, seed)]


def server_at(protocol: Protocol, address: Address, seconds: float) -> MailServer[Any]:
    """Return the mail server that talks to an implementation."""
    return MailServer(_SPOKEN[protocol], address, seconds)


def played(protocol: Protocol, address: Address, checks: Sequence[Check], seconds: float) -> Iterator[Finding]:
    """Play checks against an implementation, one after the other; `seconds` is how long an answer may take."""
    server = server_at(protocol, address, seconds)
    for check in checks:
        yield Finding(check.name, check.requirement, check.sentence, problem_of(check, server))


def problem_of(check: Check, server: MailServer[Any]) -> str | None:
    """Return what a check found wrong, None where the check holds."""
    try:
        check.play(server)
    except FoundError as problem:
        return without_ins(str(problem))
    return None
