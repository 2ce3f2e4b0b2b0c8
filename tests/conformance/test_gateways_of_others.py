"""No fault is found with what is right and built otherwise than ours; it is found with what only looks right."""

from pathlib import Path

import pytest

from huissier.adapters.conformance.checks import Protocol
from huissier.adapters.conformance.postfix import read_action
from huissier.adapters.conformance.running import checks_of, problem_of, server_at
from huissier.adapters.gateway.serving.listening import parse_address
from tests.conformance.sample import How, sample


def problem(protocol: Protocol, name: str, where: str, seconds: float = 2.0) -> str | None:
    check = next(check for check in checks_of(protocol, sessions=0) if check.name == name)
    return problem_of(check, server_at(protocol, parse_address(where), seconds))


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("DUNNO", "pass"),
        ("dunno", "pass"),  # as the README of Postfix and most policy services have it
        ("OK", "other"),
        ("550 5.7.1 CODE non", "refuse"),
        ("REJECT non", "refuse"),
        ("reject", "refuse"),
        ("450 4.3.0 plus tard", "defer"),
        ("defer_if_permit 4.3.0 plus tard", "defer"),
        ("DEFER_IF_REJECT 4.3.0 plus tard", "other"),
        ("450", "other"),  # a number and no more is OK to Postfix
        ("550", "other"),
        ("550 ", "other"),
        ("4711 plus tard", "other"),
        ("5xx non", "other"),
    ],
)
def test_an_action_is_read_as_postfix_reads_it(action: str, kind: str) -> None:
    assert read_action(f"action={action}\n\n".encode()).kind == kind


def test_a_number_without_words_is_not_taken_for_an_answer_that_defers(tmp_path: Path) -> None:
    how = How(answered=lambda answer: b"action=451\n\n" if b"session inconnue" in answer else answer)
    with sample("postfix", tmp_path, how) as where:
        assert problem("postfix", "an-end-without-a-beginning-is-deferred", where) is not None
