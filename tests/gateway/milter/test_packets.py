"""The protocol byte by byte."""

import pickle
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huissier.adapters.gateway.milter.answers import TRY_LATER, added_header, removed_headers, verdict
from huissier.adapters.gateway.milter.macros import Macros
from huissier.adapters.gateway.milter.negotiation import negotiate
from huissier.adapters.gateway.milter.packets import LARGEST, Command, MalformedError, Packets, strings
from huissier.adapters.gateway.replies import Reply


def read(*pieces: bytes) -> list[tuple[str, bytes]]:
    packets = Packets()
    return [(packet.command.value, packet.data) for piece in pieces for packet in packets.feed(piece)]


def test_packets_are_read_whole() -> None:
    assert read(b"\0\0\0\1A\0\0\0\7Mabcdef") == [("A", b""), ("M", b"abcdef")]


@given(st.lists(st.integers(0, 60), max_size=8))
def test_packets_are_read_wherever_they_are_cut(cuts: list[int]) -> None:
    told = b"\0\0\0\1A\0\0\0\7Mabcdef\0\0\0\5B1234\0\0\0\1E\0\0\0\3Rxy"
    places = [0, *sorted(cuts), len(told)]
    pieces = [told[start:stop] for start, stop in pairwise(places)]
    assert read(*pieces) == read(told)


@pytest.mark.parametrize("wrong", [b"\0\0\0\0", (LARGEST + 1).to_bytes(4), b"\xff\xff\xff\xff", b"\0\0\0\1z"])
def test_what_is_no_packet_is_malformed(wrong: bytes) -> None:
    with pytest.raises(MalformedError):
        read(b"\0\0\0\1A", wrong)


def test_a_string_ends_in_a_nul() -> None:
    assert strings(b"a\0\0b\0") == [b"a", b"", b"b"]
    for wrong in (b"", b"a", b"a\0b"):
        with pytest.raises(MalformedError):
            strings(wrong)


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        # Postfix 3.7: version 6, all actions, all steps
        ("00000006 000001ff 001fffff", "00000006 00000111 000843c3"),
        # a server that cannot be told which macros to send, and waits for every answer
        ("00000004 0000003f 000003ff", "00000004 00000011 000003c3"),
        ("00000002 0000003f 0000007f", "00000002 00000011 00000043"),
        # a newer one
        ("00000007 000003ff 301fffff", "00000006 00000111 000843c3"),
    ],
)
def test_only_what_is_needed_is_asked_for(offer: str, answer: str) -> None:
    _, answered = negotiate(bytes.fromhex(offer), edits_headers=True)
    assert answered[4:5] == b"O"
    assert answered[5:17] == bytes.fromhex(answer)
    assert int.from_bytes(answered[:4]) == len(answered) - 4


def test_the_macros_that_are_needed_are_named() -> None:
    _, answered = negotiate(bytes.fromhex("00000006000001ff001fffff"), edits_headers=True)
    assert answered[17:] == (
        b"\0\0\0\2{mail_addr} {client_port} {cert_subject} {cert_issuer} {auth_authen}\0"
        b"\0\0\0\3{rcpt_addr} i\0"
        b"\0\0\0\5i\0"
    )  # fmt: skip


def test_of_macros_only_those_asked_for_are_kept_and_none_without_end() -> None:
    macros = Macros()
    for letter in range(256):
        macros.define(bytes([letter]) + b"{mail_addr}\0" + b"a" * 100_000 + b"\0{daemon}\0" + b"b" * 100_000 + b"\0")
    assert len(pickle.dumps(macros)) < 100_000
    assert macros.value("daemon", Command.MAIL) == ""
    assert macros.value("mail_addr", Command.MAIL).startswith("aaa")


def test_without_the_header_nothing_is_edited() -> None:
    _, answered = negotiate(bytes.fromhex("000000060000000000 1fffff"), edits_headers=False)
    assert answered[9:13] == b"\0\0\0\0"


@pytest.mark.parametrize(
    "offer", ["", "00000006", "00000006000001ff", "00000001000001ff001fffff", "00000006000001ee001fffff"]
)
def test_who_cannot_do_what_is_needed_is_turned_away(offer: str) -> None:
    with pytest.raises(MalformedError):
        negotiate(bytes.fromhex(offer), edits_headers=True)


def test_who_waits_for_an_answer_gets_one() -> None:
    silent, _ = negotiate(bytes.fromhex("00000006000001ff001fffff"), edits_headers=True)
    talkative, _ = negotiate(bytes.fromhex("000000020000003f0000007f"), edits_headers=True)
    never = {Command.MACROS, Command.ABORT, Command.QUIT, Command.QUIT_NEW_CONNECTION}
    assert {command for command in Command if not talkative.wants_answer(command)} == never
    assert {command for command in Command if not silent.wants_answer(command)} == never | {
        Command.MAIL,
        Command.HEADER,
        Command.BODY,
    }


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply("pass"), b"\0\0\0\1c"),
        (Reply("refuse", "550 5.7.1 CODE non"), b"\0\0\0\x14y550 5.7.1 CODE non\0"),
        (Reply("defer", "451 4.3.0 plus tard"), b"\0\0\0\x15y451 4.3.0 plus tard\0"),
        (Reply("refuse", "550 5.7.1 à 100 %"), b"\0\0\0\x14y550 5.7.1 a 100 %%\0"),
        (Reply("refuse", "550 5.7.1 a\r\nb\0c"), b"\0\0\0\x12y550 5.7.1 a  b c\0"),
        (Reply("refuse", "250 2.0.0 oui"), TRY_LATER),
        (Reply("refuse", "550 4.7.1 non"), TRY_LATER),
        (Reply("refuse", ""), TRY_LATER),
        (Reply("defer"), TRY_LATER),
    ],
)
def test_replies_as_bytes(reply: Reply, answer: bytes) -> None:
    assert verdict(reply) == answer


@given(st.sampled_from(["refuse", "defer"]), st.text())
def test_what_does_not_pass_is_never_answered_like_what_does(kind: str, text: str) -> None:
    answered = verdict(Reply(kind, text))  # type: ignore[arg-type]
    assert answered == TRY_LATER or re.fullmatch(rb"\0\0..y[45][0-9 .]+.{1,900}\0", answered, re.DOTALL)


def test_edits_as_bytes() -> None:
    assert removed_headers("X-A", 2) == [b"\0\0\0\x0am\0\0\0\2X-A\0\0", b"\0\0\0\x0am\0\0\0\1X-A\0\0"]
    assert added_header("X-A", "mx1/q") == b"\0\0\0\x0bhX-A\0mx1/q\0"
