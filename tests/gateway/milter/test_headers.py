"""What headers say: doubt opens nothing."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huissier.adapters.gateway.milter.headers import UNREADABLE, Headers
from huissier.adapters.gateway.milter.packets import MalformedError
from huissier.adapters.gateway.transaction import Content
from huissier.adapters.testing.hospital import DOCTOR, HOSPITAL, PATIENTS, SECRETARIAT, SURGEON, USAGER
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.domain.vocabulary.errors import VocabularyError
from tests.gateway.milter.mta import Conversation, converse, end, header, mail, rcpt

HERE = "dr.durand@ch-exemple.mssante.fr"


def read(*named: tuple[str, str | bytes]) -> Content:
    headers = Headers()
    for name, value in named:
        headers.add(name.lower(), value if isinstance(value, bytes) else value.encode())
    return headers.content()


@pytest.mark.parametrize(
    "value",
    [
        HERE,
        f"<{HERE}>",
        f" {HERE} ",
        f"Dr Durand <{HERE}>",
        f"Dr. J. Durand <{HERE}>",
        f'"Durand, Jean" <{HERE}>',
        f'"someone@example.org" <{HERE}>',
        f"=?utf-8?Q?Dr_L=C3=A9a_Durand?= <{HERE}>",
        f"=?iso-8859-1?B?RHIgTOlh?=\n\t=?iso-8859-1?Q?_Durand?=\n <{HERE}>",
        f"Dr Durand\r\n <{HERE}>",
        f"{HERE} (Dr Durand)",
    ],
)
def test_an_address_that_is_plainly_meant_is_taken_bare(value: str) -> None:
    assert read(("Reply-To", value)).reply_to == HERE


@pytest.mark.parametrize("value", ["", "   ", "\n "])
def test_an_empty_reply_to_is_none(value: str) -> None:
    assert read(("Reply-To", value)).reply_to is None


@pytest.mark.parametrize(
    "value",
    [
        f"{HERE}, {DOCTOR}",
        f"Durand, Jean <{HERE}>",
        f"{HERE} {DOCTOR}",
        f"<{HERE}> <{DOCTOR}>",
        f"équipe: {HERE};",
        f"someone@example.org <{HERE}>",
        f"<@relay.example.org:{HERE}>",
        f"<{HERE}",
        f'"dr.durand"@{HOSPITAL}',
        f"dr.durand @ {HOSPITAL}",
        f"=?utf-8?Q?dr=2Edurand?=@{HOSPITAL}",
        "=?utf-8?Q?dr=2Edurand=40ch-exemple.mssante.fr?=",
        f"{HERE})someone@example.org",
        "<>",
        "undisclosed-recipients:;",
        "(" * 500,
        "x" * 600 + f" <{HERE}>",
        b"dr.durand\xe9@ch-exemple.mssante.fr",
    ],
)
def test_what_is_not_plainly_one_address_is_none(value: str | bytes) -> None:
    assert read(("Reply-To", value)).reply_to == UNREADABLE


def test_two_reply_tos_name_nobody_even_the_same() -> None:
    assert read(("Reply-To", HERE), ("Reply-To", HERE)).reply_to == UNREADABLE
    assert read(("Reply-To", HERE), ("Reply-To", " ")).reply_to == HERE


def test_what_cannot_be_read_is_no_address() -> None:
    with pytest.raises(VocabularyError):
        MailboxAddress.parse(UNREADABLE)


@pytest.mark.parametrize(
    "value",
    [
        "[FIN]",
        " [FIN] ",
        "\n [FIN]",
        "=?utf-8?B?W0ZJTl0=?=",
        "=?utf-8?B?W0ZJTl0=?=" + " " * 2000,
        "=?us-ascii?Q?=5BFIN=5D?=",
        "=?utf-8?Q?=5BFI?=\n =?utf-8?Q?N=5D?=",
    ],
)
def test_a_subject_that_is_shown_as_fin_is_fin(value: str) -> None:
    assert read(("Subject", value)).subject == "[FIN]"
    assert read(("Subject", "Bonjour"), ("Subject", value)).subject == "[FIN]"
    assert read(("Subject", value), ("Subject", "Bonjour")).subject == "[FIN]"


@pytest.mark.parametrize(
    "value", ["", "[fin]", "Re: [FIN]", "[FIN].", "[ FIN ]", "[FI\n N]", "［FIN］", "=?utf-8?B?!?="]
)
def test_another_subject_is_not_and_nothing_of_it_is_kept(value: str) -> None:
    assert read(("Subject", value)).subject is None


@pytest.mark.parametrize(
    "value",
    [
        "FIN",
        "fin ",
        "OUI; FIN",
        "(x) FIN",
        "ＦＩＮ",
        "=?utf-8?B?RklO?=",
        "=?utf-8?B?RklO?=" + " " * 2000,
        "x" * 5000 + " FIN",
    ],
)
def test_x_mss_mes_says_fin_wherever_it_stands(value: str) -> None:
    assert read(("X-MSS-MES", value)).mss_mes == "FIN"
    assert read(("X-MSS-MES", "OUI"), ("X-MSS-MES", value), ("X-MSS-MES", "")).mss_mes == "FIN"


@pytest.mark.parametrize("value", ["", "OUI", "FINAL", "=?utf-8?B?RklO"])
def test_x_mss_mes_that_does_not_say_fin_says_nothing(value: str) -> None:
    assert read(("X-MSS-MES", value)).mss_mes is None


def test_what_is_answered_is_in_reply_to_or_else_the_last_of_references() -> None:
    references = ("References", "<1@a>\n <2@a>\n\t<3@a>")
    assert read(("In-Reply-To", "<2@a>"), references).in_reply_to == "<2@a>"
    assert read(("In-Reply-To", "<2@a>"), ("In-Reply-To", "<1@a>")).in_reply_to == "<2@a> <1@a>"
    assert read(references).in_reply_to == "<3@a>"
    assert read(("In-Reply-To", " "), references).in_reply_to == "<3@a>"
    assert read().in_reply_to is None


def test_the_first_message_id_counts() -> None:
    assert read(("Message-ID", "<1@a>"), ("Message-ID", "<2@a>")).message_id == "<1@a>"


@pytest.mark.parametrize(
    ("types", "is_report"),
    [
        (["multipart/report; report-type=delivery-status"], True),
        (['MULTIPART/Report;\n\tboundary="x y"; report-type=disposition-notification'], True),
        ([], False),
        (["text/plain"], False),
        (["multipart/mixed; report-type=delivery-status"], False),
        (["multipart/report", "text/plain"], False),
        (["multipart/report, text/plain"], False),
        (["x" * 600], False),
    ],
)
def test_a_report_says_so_once(types: list[str], is_report: bool) -> None:
    assert read(*(("Content-Type", value) for value in types)).is_report is is_report


_PARTS = st.sampled_from([f"<{HERE}>", HERE, DOCTOR, ",", ";", ":", " ", '"', "(", ")", "Dr", "@", "\\", "<", ">"])


@settings(deadline=None)
@given(st.text() | st.lists(_PARTS).map("".join))
def test_any_reply_to_is_one_address_that_stands_in_it_or_none(value: str) -> None:
    found = read(("Reply-To", value.encode("utf-8", "replace"))).reply_to
    assert found in (None, UNREADABLE) or found in value


def test_more_headers_than_a_letter_has_are_malformed() -> None:
    for many in ([("Subject", "x")] * 21, [("References", "x" * 300_000)] * 2):
        with pytest.raises(MalformedError):
            read(*many)
    read(*[("Received", "x" * 1000)] * 2000)


def opened_by(*headers: tuple[str, str]) -> Iterable[str]:
    """Return to whom a usager may write who was written to with these headers."""
    opened: list[str] = []

    async def play(conversation: Conversation) -> None:
        told = b"".join(header(name, value) for name, value in headers)
        await conversation.tell(mail(DOCTOR), rcpt(USAGER), told, end())
        opened.extend(conversation.last.opens)

    converse(play)
    return opened


@pytest.mark.parametrize(
    ("headers", "opened"),
    [
        ([], [DOCTOR]),
        ([("Reply-To", f"Secrétariat <{SECRETARIAT}>")], [SECRETARIAT]),
        ([("Reply-To", SECRETARIAT), ("Reply-To", SURGEON)], []),
        ([("Reply-To", f"{SECRETARIAT}, {SURGEON}")], []),
        ([("Reply-To", "someone@example.org")], [DOCTOR]),
        ([("Reply-To", f"quelqu.un@{PATIENTS}")], []),
        ([("Subject", "Bonjour"), ("Subject", "=?utf-8?B?W0ZJTl0=?=")], []),
        ([("X-MSS-MES", "OUI"), ("X-MSS-MES", "fin")], []),
    ],
)
def test_whom_a_usager_may_answer(headers: list[tuple[str, str]], opened: list[str]) -> None:
    assert opened_by(*headers) == opened
