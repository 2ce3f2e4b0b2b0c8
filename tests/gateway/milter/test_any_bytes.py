"""Any bytes, cut anywhere: valid answers or a clean close, and never an acceptance of what was not recorded."""

from itertools import pairwise, product

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.milter.mta import (
    ABORT,
    QUIT,
    QUIT_NEW_CONNECTION,
    body,
    end,
    header,
    macros,
    mail,
    offer,
    packet,
    rcpt,
)
from tests.gateway.milter.oracle import hold

_ADDRESSES = st.sampled_from(["", "a@b.fr", "aa@b.fr", "é@b.fr", "\0", "x" * 300])
_TEXTS = st.text(max_size=20)
_NAMES = st.sampled_from(["Subject", "Reply-To", "X-MSS-MES", "Message-ID", "Content-Type", "X-Huissier-Decision", "X"])
_VALUES = st.sampled_from(["[FIN]", "", "a@b.fr", "(" * 400, "=?utf-8?B?", "FIN"]) | _TEXTS
_COMMANDS = st.one_of(
    st.builds(mail, _ADDRESSES, st.sampled_from(["SIZE=10", "SIZE=x", "BODY=8BITMIME"])),
    st.builds(rcpt, _ADDRESSES, st.none() | _ADDRESSES),
    st.builds(header, _NAMES, _VALUES),
    st.builds(end, st.sampled_from(["4dVQ7l1hZ4z4yT", "odd", ""])),
    st.builds(body, st.binary(max_size=30)),
    st.builds(macros, st.sampled_from([b"M", b"R", b"E", b"C", b"?"]), i=_TEXTS, cert_subject=_TEXTS),
    st.builds(packet, st.sampled_from([bytes([n]) for n in range(65, 91)]), st.binary(max_size=20)),
    st.builds(offer, st.integers(0, 8), st.sampled_from([0x1FF, 0x3F, 0]), st.integers(0, 2**32 - 1)),
    st.sampled_from([ABORT, QUIT_NEW_CONNECTION, packet(b"N"), packet(b"T"), packet(b"C", b"x")]),
    st.just(QUIT),
)
_ENVELOPES = [mail("x@b.fr") + rcpt("a@b.fr"), rcpt("aa@b.fr"), rcpt("a@b.fr"), end("even"), end("odd"), ABORT, offer()]


def cut(told: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(told) + 1) for place in places), len(told)]
    return [told[start:stop] for start, stop in pairwise(edges)]


@settings(deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0), max_size=6), st.booleans())
def test_any_bytes(told: bytes, places: list[int], agreed: bool) -> None:
    assert hold(cut(offer() * agreed + told, places)) == []


@settings(deadline=None)
@given(st.lists(_COMMANDS, max_size=25), st.lists(st.integers(0), max_size=12))
def test_any_commands_in_any_order(commands: list[bytes], places: list[int]) -> None:
    hold(cut(offer() + b"".join(commands), places))


def test_every_order_of_four_commands() -> None:
    for commands in product(_ENVELOPES, repeat=4):
        hold([offer() + b"".join(commands)])


@settings(deadline=None)
@given(st.lists(_COMMANDS, max_size=25), st.lists(st.tuples(st.integers(0), st.integers(1, 255)), max_size=4))
def test_commands_with_bytes_broken(commands: list[bytes], broken: list[tuple[int, int]]) -> None:
    told = bytearray(offer() + b"".join(commands))
    for place, change in broken:
        told[place % len(told)] ^= change
    hold([bytes(told)])


@settings(deadline=None)
@given(st.lists(_COMMANDS, max_size=15))
def test_it_does_not_matter_where_it_is_cut(commands: list[bytes]) -> None:
    told = offer() + b"".join(commands)
    assert hold([told]) == hold([told[at : at + 1] for at in range(len(told))])


def test_the_oracle_sees_messages_that_are_accepted() -> None:
    assert hold([offer() + (mail("x@b.fr") + rcpt("a@b.fr") + rcpt("odd@b.f") + end("even")) * 2]) == [("a@b.fr",)] * 2
