"""The policy protocol as bytes: one table, run whole, byte by byte, and with bytes behind; then any bytes at all."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import huissier
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.postfix.codec import (
    LARGEST,
    MalformedError,
    Request,
    Requests,
    encode,
)
from huissier.adapters.gateway.postfix.session import PolicySession
from huissier.adapters.gateway.postfix.underway import Underway
from huissier.adapters.gateway.replies import LONGEST_LINE
from huissier.adapters.testing.hospital import DOCTOR, SURGEON, world
from tests.gateway.peers import PASS, POLICY, UNAVAILABLE, asked, postfix, rcpt

INSTANCE = "1a2b.6565a1b2.8f7e6.0"


def request(**values: object) -> Request:
    usual = {
        "state": "RCPT", "instance": INSTANCE, "sender": DOCTOR, "recipient": SURGEON, "recipient_count": 0, "size": 0,
        "queue_id": "", "certificate_cn": None, "login": "",
    }  # fmt: skip
    return Request(**{**usual, **values})  # type: ignore[arg-type]


READ = {
    "a recipient": (rcpt(SURGEON), request()),
    "what a newer server adds": (rcpt(SURGEON, something_new="1=2=3"), request()),
    "a value with an equals sign": (rcpt("a=b@x.fr"), request(recipient="a=b@x.fr")),
    "a name that is empty": (rcpt(SURGEON, size="", recipient_count=""), request()),
    "any size that a client declares": (rcpt(SURGEON, size=2**63 - 1), request(size=2**63 - 1)),
    "numbers": (rcpt(SURGEON, size="25000000", recipient_count=3), request(size=25_000_000, recipient_count=3)),
    "xtext": (
        rcpt(SURGEON, ccert_subject="Hopital+20de+20l'+C3+89toile"),
        request(certificate_cn="Hopital de l'Étoile"),
    ),
    "a certificate without a name": (rcpt(SURGEON, ccert_issuer="IGC"), request(certificate_cn="")),
    "xtext that is none": (rcpt(SURGEON, ccert_subject="a+zz+2"), request(certificate_cn="a+zz+2")),
    "who logged in": (rcpt(SURGEON, sasl_username="martin"), request(login="martin")),
    "a sender that is nobody": (rcpt(SURGEON, sender=""), request(sender="")),
    "bytes that are no text": (rcpt("\udcff@x.fr"), request(recipient="\ufffd@x.fr")),
    "names and no more": (
        b"request=smtpd_access_policy\nprotocol_state=MAIL\n\n",
        request(state="MAIL", instance="", sender="", recipient=""),
    ),
}
MALFORMED = {
    "no lines": b"\n",
    "no lines, twice": b"\n\n",
    "an empty line first": b"\n" + rcpt(SURGEON),
    "no sender": rcpt(SURGEON).replace(f"sender={DOCTOR}\n".encode(), b""),
    "no recipient": rcpt(SURGEON).replace(f"recipient={SURGEON}\n".encode(), b""),
    "no equals sign": b"request=smtpd_access_policy\nprotocol_state\n\n",
    "no name": b"request=smtpd_access_policy\n=RCPT\n\n",
    "another kind of request": b"request=junk\nprotocol_state=RCPT\n\n",
    "no kind of request": b"protocol_state=RCPT\n\n",
    "CRLF": rcpt(SURGEON).replace(b"\n", b"\r\n")[:-2] + b"\n\n",
    "CRLF at its end, too": rcpt(SURGEON).replace(b"\n", b"\r\n"),
    "no state": b"request=smtpd_access_policy\n\n",
    "a name twice": rcpt(SURGEON)[:-1] + b"recipient=" + DOCTOR.encode() + b"\n\n",
    "NUL": rcpt("a\0@x.fr"),
    "a size that is no number": rcpt(SURGEON, size="-1"),
    "a count without end": rcpt(SURGEON, recipient_count="9" * 400),
    "a number in other digits": rcpt(SURGEON, size="١"),
    "an instance with a space": rcpt(SURGEON, instance="a b"),
    "an instance too long": rcpt(SURGEON, instance="a" * 200),
    "no end": b"request=smtpd_access_policy\nhelo_name=" + b"x" * LARGEST,
    "too large": rcpt(SURGEON, helo_name="x" * LARGEST),
}


def read(*pieces: bytes) -> list[Request]:
    requests = Requests()
    return [found for piece in pieces for found in requests.feed(piece)]


@pytest.mark.parametrize(("sent", "meant"), READ.values(), ids=READ.keys())
def test_a_request_is_read_however_it_is_cut_and_whatever_follows(sent: bytes, meant: Request) -> None:
    assert read(sent) == [meant]
    assert read(*(sent[place : place + 1] for place in range(len(sent)))) == [meant]
    assert read(sent + rcpt(DOCTOR)[:40]) == [meant]
    assert read(sent + sent) == [meant, meant]


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_plainly_one_request_is_none(sent: bytes) -> None:
    with pytest.raises(MalformedError):
        read(sent)
    with pytest.raises(MalformedError):
        read(sent + rcpt(SURGEON))
    pieces = (sent[place : place + 1] for place in range(len(sent)))
    with pytest.raises(MalformedError):
        read(*pieces)


def test_a_request_that_has_begun_is_between_no_requests() -> None:
    requests = Requests()
    assert requests.is_between
    assert list(requests.feed(rcpt(SURGEON)[:-1])) == []
    assert not requests.is_between
    assert list(requests.feed(b"\n")) == [request()]
    assert requests.is_between


@given(st.text())
def test_an_action_is_one_line_of_ascii_that_ends_in_lf_alone(text: str) -> None:
    sent = encode(text)
    assert sent.startswith(b"action=")
    assert sent.endswith(b"\n\n")
    line = sent[:-2]
    assert line.isascii()
    assert len(line) <= LONGEST_LINE + len(b"action=")
    assert not set(line) & set(b"\r\n\0")


async def answers_to(gateway: Gateway, pieces: list[bytes]) -> tuple[bytes, PolicySession]:
    session = PolicySession(gateway, Underway())
    heard = b""
    for piece in pieces:
        async for answer in session.answers(piece):
            heard += answer
        if session.is_over:
            break
    return heard, session


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([*(sent for sent, _ in READ.values()), *MALFORMED.values()]).map(lambda sent: sent[:3_000]),
        st.sampled_from([b"\n", b"\n\n", b"=", b"request=smtpd_access_policy\n", b"protocol_state=RCPT\n", b"\r\n"]),
    ),
    max_size=8,
)


def test_any_bytes_get_valid_replies_or_a_close_and_a_malformed_request_never_passes() -> None:
    with huissier.open("sqlite://") as engine, asyncio.Runner() as runner:
        engine.handle_many(world())
        gateway = Gateway(AsyncEngine(engine), POLICY)

        @settings(max_examples=60, deadline=None)
        @given(pieces=PIECES, cut=st.integers(1, 50))
        def hold(pieces: list[bytes], cut: int) -> None:
            sent = b"".join(pieces)
            cuts = [sent[place : place + cut] for place in range(0, len(sent), cut)]
            heard, session = runner.run(answers_to(gateway, cuts))
            replies = heard.split(b"\n\n")
            assert replies.pop() == b""
            assert all(reply.startswith((b"action=DUNNO", b"action=550 5.", b"action=DEFER_IF_")) for reply in replies)
            whole, malformed = in_one_piece(sent)
            assert len(replies) == whole + malformed
            assert session.is_over == malformed
            if malformed:
                assert replies[-1] + b"\n\n" == UNAVAILABLE

        hold()


def in_one_piece(sent: bytes) -> tuple[int, bool]:
    """Return how many requests stand whole in some bytes before one is malformed, and whether one is."""
    requests, count = Requests(), 0
    try:
        for _ in requests.feed(sent):
            count += 1
    except MalformedError:
        return count, True
    return count, False


def test_only_requests_before_the_malformed_one_are_answered() -> None:
    async def run() -> None:
        async with postfix() as server:
            session = server.connection()
            heard = [answer async for answer in session.answers(asked("EHLO") + b"x\n\n" + rcpt(SURGEON))]
            assert heard == [PASS, UNAVAILABLE]
            assert session.is_over

    asyncio.run(run())
