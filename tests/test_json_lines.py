"""Commands as lines: whatever comes in, each line gets its answer, and the lines around it still count."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import huissier
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.json_lines import LONGEST_LINE, answer_lines, batches, encode_line

INS = "279129900100116"
REGISTER = b'{"type":"register-operator","operator":"op-%d","kind":"usager"}'


class Slow(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content, self._sizes = content, sizes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(self._sizes.pop(0) if self._sizes else len(buffer), len(buffer), len(self._content))
        buffer[:size] = self._content[:size]
        self._content = self._content[size:]
        return size


def answers(content: bytes, engine: Engine | None = None, sizes: list[int] | None = None) -> list[dict[str, Any]]:
    with engine or huissier.open("sqlite://") as opened:
        stream = io.BufferedReader(Slow(content, list(sizes or [])))
        found = [answer for lines in batches(stream) for answer in answer_lines(opened, lines)]
    return [json.loads(encode_line(answer)) for answer in found]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"{}",
        b"[]",
        b"null",
        b"42",
        b'"text"',
        b'{"type":"no-such-command"}',
        b'{"type":"register-operator"}',
        b'{"type":"register-operator","operator":"x","kind":"usager","colour":"red"}',
        b'{"type":"register-operator","operator":"","kind":"usager"}',
        b'{"type":"register-operator","operator":"x\\u0000","kind":"usager"}',
        b'{"type":"register-operator","operator":"x","kind":"usager","at":"2026-10-31T09:00:00"}',
        b'{"type":"register-operator","operator":"x","kind":"usager","at":"0001-01-01T00:00:00+05:00"}',
        b'{"type":"admit-domain","domain":"not a domain"}',
        b'{"type":"admit-domain","domain":"a.fr","certificate_dns":["who"]}',
        b'{"type":"sign-instrument","operator":"op-1","instrument":"annexe-2"}',
        b'{"type":"submit-message","id":"m","sender":"a","recipients":[]}',
        b'{"type":"submit-message","id":"m","sender":"a","recipients":[1]}',
        b'{"type":"create-mailbox","address":"a@b.fr","kind":"PER","rpps":"12"}',
        b"\xff\xfe",
        b'{"type":"register-operator","operator":"\xff","kind":"usager"}',
        b'{"type":"register-operator","operator":"\\ud800","kind":"usager"}',
        b"[" * 100_000,
        b'{"type":"register-operator"' + b" " * LONGEST_LINE,
    ],
    ids=lambda line: line[:40].decode("ascii", "replace"),
)
def test_a_line_that_cannot_be_read_is_named_and_the_lines_around_it_count(line: bytes) -> None:
    found = answers(REGISTER % 1 + b"\n" + line + b"\n" + REGISTER % 2 + b"\n")
    assert [answer["outcome"] for answer in found] == ["recorded", "invalid", "recorded"]
    assert found[1]["line"] == 2
    assert found[1]["error"]
    assert set(found[1]) == {"outcome", "line", "error"}


def test_the_error_names_the_field() -> None:
    (answer,) = answers(b'{"type":"create-mailbox","address":"a@b.fr","kind":"PER","finess":"x"}')
    assert "finess" in answer["error"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"register-operator","operator":"x","kind":"%s"}',
        b'{"type":"%s"}',
        b'{"type":"register-operator","operator":"x","kind":"usager","%s":1}',
        b'{"type":"admit-domain","domain":"%s"}',
        b'{"type":"register-operator","operator":"%s","kind":"usager"}',
        b'{"type":"open-ens","ins":"279129900100117","oid":"%s"}',
    ],
)
def test_no_error_repeats_an_ins(line: bytes) -> None:
    (answer,) = answers(line % INS.encode())
    assert answer["outcome"] == "invalid"
    assert INS not in json.dumps(answer)


def test_blank_lines_count_and_get_no_answer() -> None:
    found = answers(b"\n  \r\n" + REGISTER % 1 + b"\r\n\nx\n")
    assert [answer["outcome"] for answer in found] == ["recorded", "invalid"]
    assert found[1]["line"] == 5


def test_a_byte_order_mark_and_a_missing_last_newline_are_understood() -> None:
    assert [answer["outcome"] for answer in answers(b"\xef\xbb\xbf" + REGISTER % 1)] == ["recorded"]


def test_an_answer_comes_before_the_next_line_is_sent() -> None:
    """A program at the other end of a pipe waits for its answer before it goes on."""
    first, second = REGISTER % 1 + b"\n", REGISTER % 2 + b"\n"
    stream = io.BufferedReader(Slow(first + second, [len(first), len(second)]))
    assert [len(lines) for lines in batches(stream)] == [1, 1]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([REGISTER % 1, REGISTER % 2, b"x", b"", b"\r", b'{"type":1}']), max_size=12),
    st.lists(st.integers(1, 40), max_size=60),
)
def test_however_a_stream_is_cut_the_answers_are_the_same(lines: list[bytes], sizes: list[int]) -> None:
    content = b"\n".join(lines)
    assert answers(content, sizes=sizes) == answers(content)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(content: bytes) -> None:
    for answer in answers(content):
        assert answer["outcome"] in ("invalid", "recorded", "rejected", "unchanged", "refused")


def test_a_line_too_long_is_dropped_in_constant_memory() -> None:
    content = b"{" + b"x" * (3 * LONGEST_LINE) + b"\n" + REGISTER % 1
    found = answers(content, sizes=[100_000] * 200)
    assert [answer["outcome"] for answer in found] == ["invalid", "recorded"]
    assert [answer.get("line") for answer in found] == [1, None]
