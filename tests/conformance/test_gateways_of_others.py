"""No fault is found with what is right and built otherwise than ours; it is found with what only looks right."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from huissier.adapters.conformance.checks import Protocol
from huissier.adapters.conformance.milter import offer
from huissier.adapters.conformance.postfix import read_action
from huissier.adapters.conformance.running import checks_of, problem_of, server_at
from huissier.adapters.conformance.wire import Connection, FoundError
from huissier.adapters.gateway.replies import Reply
from huissier.adapters.gateway.serving.listening import parse_address
from huissier.adapters.gateway.settings import MilterSection
from huissier.adapters.testing.conformance import conformance_tests
from huissier.adapters.testing.hospital import DOCTOR, SURGEON
from tests.conformance.sample import How, sample

FORGED = "a-forged-decision-header-is-removed"
TELLS_ALL = offer(steps=0)  # an offer behind which every step is told and answered
MAY_SKIP, SKIP = b"\0\0\4\0", b"\0\0\0\1s"


def problem(
    protocol: Protocol, name: str, where: str, seconds: float = 2.0, decision_header: str = "X-Huissier-Decision"
) -> str | None:
    checks = checks_of(protocol, sessions=0, decision_header=decision_header)
    check = next(check for check in checks if check.name == name)
    return problem_of(check, server_at(protocol, parse_address(where), seconds))


def without_removals(answer: bytes) -> bytes:
    return b"" if answer[4:5] == b"m" else answer


def inserted(answer: bytes) -> bytes:
    """Insert at a place (`i`) what would be added (`h`)."""
    if answer[4:5] != b"h":
        return without_removals(answer)
    return (int.from_bytes(answer[:4]) + 4).to_bytes(4) + b"i\0\0\0\1" + answer[5:]


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


def test_a_milter_is_told_every_step_that_it_did_not_ask_to_be_spared(tmp_path: Path) -> None:
    told: list[bytes] = []

    def takes_all(received: bytes) -> bytes:
        told.append(received)
        return received.replace(offer(), TELLS_ALL)

    with sample("milter", tmp_path, How(told=takes_all)) as where:
        assert problem("milter", "fin-ends-a-contact", where) is None
        assert problem("milter", "quit-ends-and-a-new-connection-begins-anew", where) is None
    steps = "".join(letters(b"".join(told)))
    assert "OCHMRTLNBE" in steps
    assert "KCHMR" in steps


def letters(told: bytes) -> Iterator[str]:
    """Yield the letters of packets, but for macros."""
    while told:
        end = 4 + int.from_bytes(told[:4])
        if (letter := chr(told[4])) != "D":
            yield letter
        told = told[end:]


def test_a_milter_that_has_seen_enough_of_a_body_may_skip_the_rest(tmp_path: Path) -> None:
    told: list[bytes] = []

    def takes_all(received: bytes) -> bytes:
        if received.strip(b"x"):  # else the rest of a body that came in pieces
            told.append(received[4:5])
        return received.replace(offer(), TELLS_ALL)

    def skips(answer: bytes) -> bytes:
        if answer[4:5] == b"O":
            return answer[:13] + MAY_SKIP + answer[17:]
        return SKIP if told[-1] == b"B" else answer

    with sample("milter", tmp_path, How(told=takes_all, answered=skips)) as where:
        server = server_at("milter", parse_address(where), 2.0)
        for _ in range(2):
            with server.session() as session:
                session.begin(DOCTOR)
                session.recipient(SURGEON).passes()
                session.end(size=200_000).passes()
    assert told.count(b"B") == 2


SAYS_NOTHING = How(answered=lambda answer: b"" if b"inconnue" in answer else answer)


@pytest.mark.parametrize("how", [How(hangs_up_at=b"{rcpt_addr}"), SAYS_NOTHING])
def test_a_milter_may_hang_up_or_say_nothing_where_a_recipient_comes_before_a_sender(how: How, tmp_path: Path) -> None:
    with sample("milter", tmp_path, how) as where:
        assert problem("milter", "what-is-malformed-is-never-let-through", where, 0.5) is None


@pytest.mark.parametrize("edit", [b"qheld\0", b"-<a@b.fr>\0", b"+<a@b.fr>\0"])
def test_a_message_is_not_let_through_where_it_is_held_or_its_recipients_are_changed(
    edit: bytes, tmp_path: Path
) -> None:
    told = b""

    def listens(received: bytes) -> bytes:
        nonlocal told
        told = received
        return received

    def edits(answer: bytes) -> bytes:
        is_the_last = b"\0\0\0\1E" in told and answer == b"\0\0\0\1c"
        return len(edit).to_bytes(4) + edit + answer if is_the_last else answer

    with sample("milter", tmp_path, How(told=listens, answered=edits)) as where:
        found = problem("milter", "professionnels-write-to-each-other", where)
    assert found == f"should be let through, but was answered {f'{edit[:1].decode()} c'!r}"


def test_a_milter_may_add_no_decision_header(tmp_path: Path) -> None:
    with sample("milter", tmp_path, How(section=MilterSection(decision_header=""))) as where:
        server = server_at("milter", parse_address(where), 2.0)
        found = {check.name: problem_of(check, server) for check in checks_of("milter", sessions=20)}
    assert {name: problem for name, problem in found.items() if problem is not None} == {}


@pytest.mark.parametrize("answered", [without_removals, inserted])
def test_a_decision_header_of_another_name_must_not_be_forged(
    answered: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    how = How(section=MilterSection(decision_header="X-Autre"), answered=answered)
    with sample("milter", tmp_path, how) as where:
        found = [problem("milter", FORGED, where, decision_header=name) for name in ("X-Autre", "X-Huissier-Decision")]
    assert found == ["0 of 2 forged headers were removed", None]


def test_refusing_without_words_is_refusing_but_gives_no_reason(tmp_path: Path) -> None:
    how = How(answered=lambda answer: b"\0\0\0\1r" if answer[4:5] == b"y" else answer)
    with sample("milter", tmp_path, how) as where:
        assert problem("milter", "an-abort-drops-recipients", where) == (
            "should be refused with 550 5.7.1 CODE, but was answered 'r'"
        )


def test_a_refusal_without_a_reason_is_told_as_one(tmp_path: Path) -> None:
    how = How(answered=lambda answer: b"action=550 5.7.1\n\n" if b"=550" in answer else answer)
    with sample("postfix", tmp_path, how) as where:
        assert problem("postfix", "a-usager-does-not-start", where) == (
            "should be refused with 550 5.7.1 CONTACT_NOT_OPENED, but was answered '550 5.7.1'"
        )


def test_an_answer_that_comes_drop_by_drop_is_not_waited_for_longer_than_was_said(tmp_path: Path) -> None:
    path = tmp_path / "drops.sock"
    ended = threading.Event()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=drips, args=(listening, ended))
        thread.start()
        began = monotonic()
        with Connection(parse_address(f"unix:{path}"), 0.5) as connection:
            with pytest.raises(FoundError, match=r"no answer within 0\.5 seconds"):
                connection.until(b"\n\n")
            took = monotonic() - began
            ended.set()
            thread.join()  # it drips until then, and nobody may have hung up
    assert took < 2


def drips(listening: socket.socket, ended: threading.Event) -> None:
    """Send a byte now and then, for five seconds at most."""
    talking, _ = listening.accept()
    with talking:
        for _ in range(50):
            talking.sendall(b"a")
            if ended.wait(0.1):
                return


def test_a_milter_that_tells_of_progress_for_ever_is_not_listened_to_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sample("milter", tmp_path) as where, server_at("milter", parse_address(where), 2.0).session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        monkeypatch.setattr(session.connection, "seconds", 0.02)
        monkeypatch.setattr(session.connection, "packet", lambda: ("p", b""))
        with pytest.raises(FoundError, match="edits and words of progress came, and no answer"):
            session.end()


@pytest.mark.parametrize("spelled", [" ".join, ".".join])
def test_an_ins_that_is_told_spaced_is_found(spelled: Callable[[str], str], tmp_path: Path) -> None:
    def said(reply: Reply, whom: str) -> Reply:
        return Reply(reply.kind, f"{reply.text} {spelled(whom[:15])}", reply.reason) if reply.text else reply

    with sample("postfix", tmp_path, How(said=said)) as where:
        assert problem("postfix", "no-answer-tells-an-ins", where) == "the answer tells the INS of a usager"


def test_a_request_that_never_ends_holds_up_nobody(tmp_path: Path) -> None:
    with sample("postfix", tmp_path, How(connections=1)) as where:
        assert problem("postfix", "what-is-too-large-is-never-let-through", where) is not None


def test_a_function_that_starts_a_gateway_is_called_once(tmp_path: Path) -> None:
    started = 0

    with sample("postfix", tmp_path) as where:

        def start() -> str:
            nonlocal started
            started += 1
            return where

        play: Any = conformance_tests("postfix", start)
        for check in checks_of("postfix", sessions=0)[:3]:
            play(check)
    assert started == 1
