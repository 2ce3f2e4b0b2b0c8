"""One SMTP session over the milter protocol: what is answered, and what is recorded."""

import pytest

from huissier import SubmitMessage, SuspendMailbox
from huissier.adapters.gateway.replies import OUT_OF_STEP, Reply
from huissier.adapters.gateway.settings import CertSubject, MilterSection
from huissier.adapters.gateway.transaction import Policy
from huissier.adapters.testing.hospital import (
    CABINET_CN,
    CABINET_DN,
    DOCTOR,
    HOSPITAL,
    OUTSIDER,
    PATIENTS,
    REMOTE_DOCTOR,
    SURGEON,
    USAGER,
)
from tests.gateway.milter.mta import (
    ABORT,
    CONTINUE,
    QUEUE_ID,
    QUIT,
    QUIT_NEW_CONNECTION,
    Conversation,
    body,
    converse,
    end,
    header,
    macros,
    mail,
    offer,
    packet,
    rcpt,
    refused,
    split,
)

EOH = packet(b"N")
NAMED = packet(b"h", b"X-Huissier-Decision\0mx1/", QUEUE_ID.encode(), b"\0")


async def passes(conversation: Conversation, sender: str, *recipients: str, told: bytes = b"", **values: str) -> bytes:
    """Tell a whole message, all of whose recipients are let through, and return the answer at its end."""
    assert await conversation.tell(mail(sender, **values)) == b""
    for recipient in recipients:
        assert await conversation.tell(rcpt(recipient)) == CONTINUE
    return await conversation.tell(told, end())


def test_a_message_is_recorded_at_its_end_and_named_in_its_header() -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        assert await conversation.tell(mail(DOCTOR), rcpt(SURGEON), rcpt(REMOTE_DOCTOR)) == CONTINUE * 2
        assert await conversation.tell(header("Subject", "Bonjour"), EOH, body(b"x" * 1000)) == CONTINUE
        assert conversation.head == head
        assert await conversation.tell(end()) == NAMED + CONTINUE
        assert conversation.head == head + 1
        assert (conversation.last.id, conversation.last.sender) == (f"mx1/{QUEUE_ID}", DOCTOR)
        assert [verdict.recipient for verdict in conversation.last.verdicts] == [SURGEON, REMOTE_DOCTOR]
        assert not conversation.last.fin_subject

    converse(play)


def test_a_recipient_is_refused_alone_and_recorded_once() -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        [(letter, text)] = split(await conversation.tell(mail(DOCTOR), rcpt(OUTSIDER)))
        assert (letter, text[:40], text[-1:]) == ("y", b"550 5.7.1 RECIPIENT_DOMAIN_NOT_ADMITTED ", b"\0")
        assert split(await conversation.tell(rcpt(OUTSIDER))) == [(letter, text)]
        assert conversation.head == head + 1
        assert await conversation.tell(rcpt(SURGEON), end()) == CONTINUE + NAMED + CONTINUE
        assert [verdict.recipient for verdict in conversation.last.verdicts] == [SURGEON]

    converse(play)


def test_what_changed_in_between_refuses_the_message_as_a_whole() -> None:
    async def play(conversation: Conversation) -> None:
        await conversation.tell(mail(DOCTOR), rcpt(SURGEON), rcpt(REMOTE_DOCTOR))
        await conversation.engine.handle(SuspendMailbox(address=SURGEON))
        [(letter, text)] = split(await conversation.tell(end()))
        assert (letter, text[:28]) == ("y", b"550 5.7.1 RECIPIENT_SUSPENDED"[:28])

    converse(play)


def test_a_store_that_cannot_answer_defers() -> None:
    async def play(conversation: Conversation) -> None:
        await conversation.tell(mail(DOCTOR), rcpt(SURGEON))
        await conversation.engine.close()
        deferred = refused("451 4.3.0 huissier: temporairement indisponible, reessayez plus tard")
        assert await conversation.tell(rcpt(REMOTE_DOCTOR)) == deferred
        assert await conversation.tell(end()) == deferred

    converse(play)


def test_an_abort_before_the_end_records_nothing_and_one_behind_it_takes_nothing_back() -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        assert await conversation.tell(mail(DOCTOR), rcpt(SURGEON), header("Subject", "x"), ABORT) == CONTINUE
        assert (conversation.head, conversation.session.at_rest) == (head, True)
        assert await passes(conversation, DOCTOR, SURGEON) == NAMED + CONTINUE
        assert await conversation.tell(ABORT, ABORT) == b""
        assert conversation.head == head + 1

    converse(play)


def test_several_messages_of_a_session_have_nothing_to_do_with_each_other() -> None:
    async def play(conversation: Conversation) -> None:
        told = header("Subject", "[FIN]") + header("Reply-To", REMOTE_DOCTOR) + body(b"x" * 999)
        await passes(conversation, DOCTOR, USAGER, told=told)
        assert await conversation.tell(mail(SURGEON), rcpt(REMOTE_DOCTOR), end("4dVQ7l1hZ4z4yTd")) != CONTINUE
        second = conversation.last
        assert (second.id, second.sender, second.fin_subject, second.reply_to) == (
            "mx1/4dVQ7l1hZ4z4yTd",
            SURGEON,
            False,
            None,
        )
        assert [verdict.recipient for verdict in second.verdicts] == [REMOTE_DOCTOR]
        assert second.size == 2

    converse(play)


def test_a_message_without_a_queue_id_of_its_own_never_gets_the_answer_of_another() -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        await passes(conversation, DOCTOR, SURGEON)
        assert await conversation.tell(packet(b"M", b"<", DOCTOR.encode(), b">\0"), rcpt(REMOTE_DOCTOR)) == CONTINUE
        assert split(await conversation.tell(packet(b"E")))[-1][0] == "c"
        assert conversation.head == head + 2

    converse(play)


def test_mail_that_does_not_come_by_smtp_is_decided_on_as_a_whole() -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        begun = packet(b"M", f"{DOCTOR}\0".encode())
        told = [macros(b"R", rcpt_addr=who) + packet(b"R", f"{who}\0".encode()) for who in (SURGEON, OUTSIDER)]
        assert await conversation.tell(begun, *told) == CONTINUE * 2
        [(letter, text)] = split(await conversation.tell(end()))
        assert (letter, text[:40]) == ("y", b"550 5.7.1 RECIPIENT_DOMAIN_NOT_ADMITTED ")
        assert conversation.head == head + 1
        assert await conversation.tell(ABORT, begun, told[0], end("4dVQ7l1hZ4z4yTd")) != CONTINUE
        assert conversation.last.id == "mx1/4dVQ7l1hZ4z4yTd"

    converse(play)


def test_a_client_that_types_no_angle_brackets_is_still_refused_recipient_by_recipient() -> None:
    async def play(conversation: Conversation) -> None:
        port = macros(b"M", mail_addr=DOCTOR, client_port="40212")
        assert await conversation.tell(port, packet(b"M", f"{DOCTOR}\0".encode()), rcpt(SURGEON)) == CONTINUE
        [(letter, text)] = split(await conversation.tell(packet(b"R", f"{OUTSIDER}\0".encode())))
        assert (letter, text[:40]) == ("y", b"550 5.7.1 RECIPIENT_DOMAIN_NOT_ADMITTED ")
        assert split(await conversation.tell(end()))[-1][0] == "c"
        assert [verdict.recipient for verdict in conversation.last.verdicts] == [SURGEON]

    converse(play)


def test_a_client_whose_port_a_proxy_does_not_know_is_still_refused_recipient_by_recipient() -> None:
    async def play(conversation: Conversation) -> None:
        told = mail(DOCTOR, client_port="0") + rcpt(SURGEON) + rcpt(OUTSIDER)
        _, (letter, text) = split(await conversation.tell(told))
        assert (letter, text[:40]) == ("y", b"550 5.7.1 RECIPIENT_DOMAIN_NOT_ADMITTED ")

    converse(play)


@pytest.mark.parametrize(
    "typed", [f"<{DOCTOR}>", DOCTOR, f"<@relay.example.org,@b.example.org:{DOCTOR}>", "<dr.martin>"]
)
def test_a_sender_is_whom_the_server_makes_of_it(typed: str) -> None:
    async def play(conversation: Conversation) -> None:
        told = macros(b"M", mail_addr=DOCTOR) + packet(b"M", f"{typed}\0".encode()) + rcpt(SURGEON)
        assert await conversation.tell(told) == CONTINUE

    converse(play)


@pytest.mark.parametrize(
    "typed",
    [
        "<dr.martin%{}@[127.0.0.1]>",
        "<{}!dr.martin>",
        "<dr.martin@{}@[127.0.0.1]>",
        '<"dr.martin@{}"@[127.0.0.1]>',
        '<"dr.martin@{}">',
        "<dr.martin\\@{}>",
        "<@relay.example.org:dr.martin@{}@mx.example.org>",
    ],
)
def test_a_sender_who_routes_is_not_taken_for_the_mailbox_that_the_server_makes_of_it(typed: str) -> None:
    async def play(conversation: Conversation) -> None:
        told = macros(b"M", mail_addr=DOCTOR) + packet(b"M", f"{typed.format(HOSPITAL)}\0".encode()) + rcpt(SURGEON)
        [(letter, text)] = split(await conversation.tell(told))
        assert (letter, text[:26]) == ("y", b"550 5.7.1 ADDRESS_INVALID ")

    converse(play)


def test_a_report_of_a_program_goes_to_one_recipient_as_all_reports_do() -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        local = macros(b"M", client_port="0") + packet(b"M", b"<>\0")
        report = header("Content-Type", "multipart/report; report-type=delivery-status; boundary=b")
        assert await conversation.tell(local, rcpt(SURGEON), rcpt(OUTSIDER), report) == CONTINUE * 2
        assert split(await conversation.tell(end()))[-1][1].startswith(b"550 5.7.1 ADDRESS_INVALID ")
        assert conversation.head == head + 1
        assert await conversation.tell(ABORT, local, rcpt(SURGEON), report) == CONTINUE
        assert split(await conversation.tell(end("4dVQ7l1hZ4z4yTd")))[-1][0] == "c"
        assert conversation.head == head + 1

    converse(play)


def test_a_message_that_begins_before_the_last_one_ended_takes_its_place() -> None:
    async def play(conversation: Conversation) -> None:
        await conversation.tell(mail(DOCTOR), rcpt(SURGEON), header("Subject", "[FIN]"))
        assert await conversation.tell(mail(SURGEON), rcpt(USAGER), end()) == CONTINUE + NAMED + CONTINUE
        assert [verdict.recipient[-len(PATIENTS) :] for verdict in conversation.last.verdicts] == [PATIENTS]
        assert not conversation.last.fin_subject

    converse(play)


@pytest.mark.parametrize("told", [rcpt(SURGEON), end(), rcpt(SURGEON) + end(), mail(DOCTOR) + end()])
def test_out_of_step_is_deferred(told: bytes) -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        answers = await conversation.tell(told)
        assert set(split(answers)) == set(split(refused(OUT_OF_STEP.text)))
        assert conversation.head == head

    converse(play)


def test_what_the_server_resolved_is_decided_on_and_what_was_typed_is_not() -> None:
    async def play(conversation: Conversation) -> None:
        await conversation.tell(mail(DOCTOR))
        assert await conversation.tell(rcpt(f"someone%example.org@{HOSPITAL}", SURGEON)) == CONTINUE
        [(letter, _)] = split(await conversation.tell(rcpt(SURGEON, OUTSIDER)))
        assert letter == "y"
        await conversation.tell(end())
        assert [verdict.recipient for verdict in conversation.last.verdicts] == [SURGEON]

    converse(play)


def test_what_was_typed_counts_where_the_server_says_nothing_and_never_what_it_said_before() -> None:
    async def play(conversation: Conversation) -> None:
        await conversation.tell(mail(DOCTOR), rcpt(SURGEON))
        [(letter, _)] = split(await conversation.tell(packet(b"R", f"<{OUTSIDER}>\0".encode())))
        assert letter == "y"
        await conversation.tell(
            end(), packet(b"M", f"<{SURGEON}>\0".encode()), rcpt(REMOTE_DOCTOR), end("4dVQ7l1hZ4z4yTd")
        )
        assert conversation.last.sender == SURGEON

    converse(play)


async def is_let_through(conversation: Conversation, cert_subject: str) -> bool:
    """Say whether a server with that certificate may bring a message of the remote doctor's."""
    told = mail(REMOTE_DOCTOR, cert_subject=cert_subject) + rcpt(DOCTOR) + ABORT
    [(letter, text)] = split(await conversation.tell(told))
    assert letter == "c" or b"CERTIFICATE_NOT_ADMITTED" in text
    return letter == "c"


def test_a_certificate_is_known_by_its_common_name_and_one_that_looks_like_a_whole_name_is_none() -> None:
    async def play(conversation: Conversation) -> None:
        assert await is_let_through(conversation, CABINET_CN)
        for other in ("mss.ailleurs.fr", CABINET_DN, f"/{CABINET_DN.replace(',', '/')}"):
            assert not await is_let_through(conversation, other)

    converse(play)


@pytest.mark.parametrize("cert_subject", ["common-name", "distinguished-name"])
def test_a_trusted_certificate_without_a_name_is_nobodys(cert_subject: CertSubject) -> None:
    async def play(conversation: Conversation) -> None:
        told = mail(REMOTE_DOCTOR, cert_issuer="IGC") + rcpt(DOCTOR)
        [(letter, text)] = split(await conversation.tell(told))
        assert (letter, text[:35]) == ("y", b"550 5.7.1 CERTIFICATE_NOT_ADMITTED ")

    converse(play, section=MilterSection(cert_subject=cert_subject))


def test_where_the_whole_name_is_told_it_is_asked_for() -> None:
    async def play(conversation: Conversation) -> None:
        assert await is_let_through(conversation, f"/{CABINET_DN.replace(',', '/')}")
        for other in ("/C=FR/O=CABINET EXEMPLE", CABINET_CN, "/"):
            assert not await is_let_through(conversation, other)

    converse(play, section=MilterSection(cert_subject="distinguished-name"))


def test_a_name_is_read_as_sendmail_writes_it() -> None:
    async def play(conversation: Conversation) -> None:
        assert await is_let_through(conversation, f"/{CABINET_DN.replace(',', '/').replace(' ', '+20')}")

    assert " " in CABINET_DN
    converse(play, section=MilterSection(cert_subject="distinguished-name"))


def test_a_certificate_told_at_helo_holds_for_the_session_and_no_other() -> None:
    async def play(conversation: Conversation) -> None:
        await conversation.tell(macros(b"H", cert_subject="mss.ailleurs.fr"))
        for _ in range(2):
            assert split(await conversation.tell(mail(REMOTE_DOCTOR), rcpt(DOCTOR), ABORT))[0][0] == "y"
        assert await conversation.tell(QUIT_NEW_CONNECTION, mail(REMOTE_DOCTOR), rcpt(DOCTOR)) == CONTINUE

    converse(play)


def test_a_sender_whose_mailbox_is_here_shows_no_server_s_certificate() -> None:
    async def play(conversation: Conversation) -> None:
        assert await conversation.tell(mail(DOCTOR, cert_subject="carte du dr martin"), rcpt(SURGEON)) == CONTINUE

    converse(play)


def test_the_declared_size_counts_at_rcpt_and_the_real_one_at_the_end() -> None:
    async def play(conversation: Conversation) -> None:
        [(_, text)] = split(await conversation.tell(mail(DOCTOR, "SIZE=30000000"), rcpt(USAGER)))
        assert b" MESSAGE_TOO_LARGE " in text
        assert await conversation.tell(mail(DOCTOR, "BODY=8BITMIME", "SIZE=1000"), rcpt(USAGER)) == CONTINUE
        chunk = b"x" * 65535
        told = body(chunk) * 401
        [(letter, text)] = split(await conversation.tell(told, end()))
        assert letter == "y"
        assert b" MESSAGE_TOO_LARGE " in text

    converse(play)


def test_the_size_is_that_of_headers_and_body_as_they_were_sent() -> None:
    sent = b"Subject: Bonjour\r\nReceived: from a\r\n\tby b\r\n\r\nligne\r\nfin\r\n"

    async def play(conversation: Conversation) -> None:
        told = header("Subject", "Bonjour") + header("Received", "from a\n\tby b") + EOH + body(b"ligne\r\n")
        await conversation.tell(mail(DOCTOR), rcpt(SURGEON), told, end(last_chunk=b"fin\r\n"))
        assert conversation.last.size == len(sent)

    converse(play)


def test_a_forged_decision_is_removed_however_it_is_written() -> None:
    async def play(conversation: Conversation) -> None:
        told = header("X-Huissier-Decision", "mx1/fake") + header("x-huissier-decision ", "mx1/fake")
        removed = b"".join(packet(b"m", n.to_bytes(4, "big"), b"X-Huissier-Decision\0\0") for n in (2, 1))
        assert await passes(conversation, DOCTOR, SURGEON, told=told) == removed + NAMED + CONTINUE

    converse(play)


def test_without_the_header_a_message_stays_as_it_is() -> None:
    async def play(conversation: Conversation) -> None:
        assert await passes(conversation, DOCTOR, SURGEON, told=header("X-Huissier-Decision", "x")) == CONTINUE

    converse(play, section=MilterSection(decision_header=""))


@pytest.mark.parametrize(
    ("content_type", "letter"),
    [
        ("multipart/report; report-type=delivery-status;\n\tboundary=x", "c"),
        ("Multipart/Report; report-type=disposition-notification", "c"),
        ("text/plain", "y"),
        ("text/plain; multipart/report", "y"),
    ],
)
def test_from_nobody_come_reports_and_nothing_else(content_type: str, letter: str) -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        told = header("Content-Type", content_type) + header("X-Huissier-Decision", "forged")
        assert await conversation.tell(mail(""), rcpt(DOCTOR)) == CONTINUE
        answers = split(await conversation.tell(told, end()))
        assert [one[0] for one in answers] == (["m", "c"] if letter == "c" else ["y"])
        assert conversation.head == head + (letter == "y")

    converse(play)


def test_whoever_waits_for_an_answer_to_each_step_gets_exactly_one() -> None:
    async def play(conversation: Conversation) -> None:
        [(letter, data)] = split(await conversation.tell(offer(version=2, actions=0x3F, steps=0x7F)))
        assert (letter, data[:4]) == ("O", b"\0\0\0\2")
        connect = packet(b"C", b"localhost\0", b"4", b"\0\x19", b"127.0.0.1\0")
        steps = [connect, packet(b"H", b"x\0"), mail(DOCTOR), rcpt(SURGEON), packet(b"T"), packet(b"U", b"NOOP\0")]
        for step in [*steps, header("Subject", "x"), EOH, body(b"x")]:
            assert await conversation.tell(step) == CONTINUE
        assert await conversation.tell(end()) == NAMED + CONTINUE
        for silent in (ABORT, macros(b"C", j="mx1"), QUIT_NEW_CONNECTION, QUIT):
            assert await conversation.tell(silent) == b""
        assert conversation.session.is_over

    converse(play, agreed=False)


@pytest.mark.parametrize(
    "told",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xffA",
        packet(b"z"),
        packet(b"M"),
        packet(b"M", b"<a@b.fr>"),
        packet(b"R"),
        packet(b"L", b"Subject\0"),
        packet(b"L", b"Subject\0x"),
        packet(b"D"),
        packet(b"D", b"Mone\0"),
        offer(version=1),
        offer(actions=0),
        mail(DOCTOR) + header("Reply-To", "x") * 21,
        mail(DOCTOR) + header("References", "x" * 600_000),
        mail(DOCTOR) + header("X-Huissier-Decision", "x") * 101,
    ],
)
def test_what_is_malformed_ends_the_connection_without_a_word(told: bytes) -> None:
    async def play(conversation: Conversation) -> None:
        head = conversation.head
        assert await conversation.tell(told, mail(DOCTOR), rcpt(SURGEON), end()) == b""
        assert (conversation.session.is_over, conversation.head) == (True, head)

    converse(play)


def test_nothing_is_answered_before_something_is_agreed_on() -> None:
    async def play(conversation: Conversation) -> None:
        assert await conversation.tell(mail(DOCTOR), rcpt(SURGEON), end()) == b""
        assert conversation.session.is_over

    converse(play, agreed=False)


class Counting:
    """Counts what is abandoned, and what failed."""

    def __init__(self) -> None:
        self.left = 0
        self.problems: list[str] = []

    def decided(self, command: SubmitMessage, reply: Reply, seconds: float, login: str | None) -> None: ...

    def failed(self, problem: Exception) -> None:
        self.problems.append(type(problem).__name__)

    def abandoned(self) -> None:
        self.left += 1


def test_whoever_looks_on_hears_of_what_is_abandoned_and_of_what_cannot_be_agreed_on() -> None:
    watch = Counting()

    async def play(conversation: Conversation) -> None:
        await conversation.tell(mail(DOCTOR), rcpt(SURGEON), ABORT, mail(DOCTOR), rcpt(OUTSIDER), ABORT)
        await conversation.tell(
            mail(DOCTOR), rcpt(SURGEON), end(), ABORT, mail(DOCTOR), rcpt(SURGEON), offer(actions=0)
        )

    converse(play, watch=watch)
    assert (watch.left, watch.problems) == (2, ["NoAgreementError"])


def test_whoever_looks_on_hears_of_sessions_that_break_off_and_of_what_is_out_of_step() -> None:
    watch = Counting()

    async def play(conversation: Conversation) -> None:
        await conversation.tell(end(), mail(DOCTOR), rcpt(SURGEON))
        conversation.session.closed()

    converse(play, watch=watch)
    assert (watch.left, watch.problems) == (1, ["OutOfStepError"])


def test_a_session_is_at_rest_between_messages_alone() -> None:
    async def play(conversation: Conversation) -> None:
        rest = []
        for told in (mail(DOCTOR), rcpt(SURGEON), end()[:-1], end()[-1:], ABORT[:2], ABORT[2:]):
            await conversation.tell(told)
            rest.append(conversation.session.at_rest)
        assert rest == [False, False, False, True, False, True]

    converse(play)


def test_at_the_final_hop_a_usager_may_answer_what_was_accepted() -> None:
    async def play(conversation: Conversation) -> None:
        assert await passes(conversation, DOCTOR, USAGER) == NAMED + CONTINUE
        assert await conversation.tell(mail(USAGER), rcpt(DOCTOR)) == CONTINUE

    converse(play, policy=Policy(name="mx1", hosted=frozenset({PATIENTS}), final_hop=True))
