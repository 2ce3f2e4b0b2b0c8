"""A Postfix server asks, recipient by recipient and at the end of the message, on one connection or another."""

import asyncio

import pytest

from huissier import ReportDelivery, SubmitMessage, SuspendMailbox
from huissier.adapters.gateway.postfix.underway import Underway
from huissier.adapters.gateway.replies import PASS as PASSED
from huissier.adapters.gateway.replies import Reply
from huissier.adapters.gateway.transaction import Policy
from huissier.adapters.log import codec
from huissier.adapters.testing.hospital import (
    CABINET_CN,
    DOCTOR,
    HOSPITAL,
    OUTSIDER,
    PATIENTS,
    REMOTE_DOCTOR,
    SURGEON,
    USAGER,
)
from huissier.domain.events import MessageDecided
from huissier.domain.rule_set import Options
from tests.gateway.peers import OUT_OF_STEP, PASS, POLICY, UNAVAILABLE, Postfix, asked, end, played, rcpt


def refused(answer: bytes) -> str:
    """Return the code of a refusal; nothing else is one."""
    action, _, text = answer.removeprefix(b"action=").decode().partition(" ")
    assert (action, answer[-2:]) == ("550", b"\n\n")
    return text.removeprefix("5.7.1 ").split(" ")[0]


def test_a_message_passes_and_is_recorded_once_at_its_end() -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        for recipient in (SURGEON, REMOTE_DOCTOR):
            assert await server.ask(rcpt(recipient)) == PASS
        assert await server.ask(asked("DATA", recipient_count=2)) == PASS
        assert server.head == before
        assert await server.ask(end(2)) == PASS
        assert await server.ask(end(2), "another, for the first was silent") == PASS
        assert server.head == before + 1

    played(play)


def test_a_refusal_names_its_code_and_is_recorded_once_on_whatever_connection() -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        assert refused(await server.ask(rcpt(OUTSIDER))) == "RECIPIENT_DOMAIN_NOT_ADMITTED"
        assert refused(await server.ask(rcpt(OUTSIDER), "again")) == "RECIPIENT_DOMAIN_NOT_ADMITTED"
        assert server.head == before + 1

    played(play)


def test_mixed_recipients_go_on_for_those_who_may() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        assert refused(await server.ask(rcpt(OUTSIDER))) == "RECIPIENT_DOMAIN_NOT_ADMITTED"
        assert await server.ask(end(1, recipient=SURGEON)) == PASS

    played(play)


@pytest.mark.parametrize("count", [0, 2, 3])
def test_who_counts_other_recipients_than_were_let_through_is_deferred(count: int) -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        assert await server.ask(rcpt(SURGEON)) == PASS
        assert await server.ask(asked("DATA", recipient_count=count)) == OUT_OF_STEP
        assert await server.ask(end(count)) == OUT_OF_STEP
        assert server.head == before

    played(play)


def test_a_recipient_named_twice_counts_twice() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        assert await server.ask(rcpt(SURGEON.upper(), recipient_count=1)) == PASS
        assert await server.ask(end(1)) == OUT_OF_STEP  # Postfix refused somebody after huissier let all pass
        assert await server.ask(end(2)) == PASS

    played(play)


def test_a_recipient_asked_about_again_on_another_connection_counts_once() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        assert await server.ask(rcpt(SURGEON), "another, for the first was silent") == PASS
        assert await server.ask(end(2), "another, for the first was silent") == OUT_OF_STEP
        assert await server.ask(rcpt(SURGEON), "another, for the first was silent") == PASS  # and now named twice
        assert await server.ask(end(2), "another, for the first was silent") == PASS

    played(play)


def test_a_process_that_was_started_anew_defers_what_it_knows_nothing_of() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        server.underway.drop("1a2b.6565a1b2.8f7e6.0")
        assert await server.ask(end(1)) == OUT_OF_STEP
        assert await server.ask(end(1, instance="")) == OUT_OF_STEP

    played(play)


def test_another_message_on_the_connection_ends_the_one_before() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        assert await server.ask(rcpt(SURGEON, instance="next")) == PASS
        assert len(server.underway) == 1
        assert await server.ask(end(1), "a late retry") == OUT_OF_STEP
        assert await server.ask(end(1, instance="next")) == PASS

    played(play)


def test_the_same_instance_from_somebody_else_is_another_message() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        assert await server.ask(end(1, sender=REMOTE_DOCTOR)) == OUT_OF_STEP
        assert await server.ask(rcpt(SURGEON, sender=REMOTE_DOCTOR)) == PASS
        assert await server.ask(end(1)) == OUT_OF_STEP

    played(play)


def test_what_changed_in_between_refuses_the_whole_message() -> None:
    async def play(server: Postfix) -> None:
        for recipient in (SURGEON, REMOTE_DOCTOR):
            assert await server.ask(rcpt(recipient)) == PASS
        await server.engine.handle(SuspendMailbox(address=SURGEON))
        assert refused(await server.ask(end(2))) == "RECIPIENT_SUSPENDED"

    played(play)


def test_a_store_that_is_closed_defers_at_every_stage() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        await server.engine.close()
        assert await server.ask(rcpt(REMOTE_DOCTOR)) == UNAVAILABLE
        assert await server.ask(end(1)) == UNAVAILABLE

    played(play)


@pytest.mark.parametrize("state", ["CONNECT", "EHLO", "HELO", "MAIL", "VRFY", "ETRN", "BDAT"])
def test_before_there_is_a_recipient_nothing_is_decided(state: str) -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(asked(state, instance="")) == PASS

    played(play)


def test_a_state_that_nobody_knows_is_deferred() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(asked("ORACLE")) == OUT_OF_STEP

    played(play)


@pytest.mark.parametrize(
    "spelled", ["", "postmaster", "a" * 5_000 + f"@{HOSPITAL}", "\udcff@x.fr", "a@b@c", '"a b"@x.fr']
)
def test_a_recipient_that_cannot_be_read_is_refused_for_good(spelled: str) -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        assert refused(await server.ask(rcpt(spelled))) == "ADDRESS_INVALID"
        assert server.head == before + 1

    played(play)


def test_a_report_from_nobody_passes_to_one_recipient_and_is_no_message() -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        assert await server.ask(rcpt(DOCTOR, sender="")) == PASS
        assert await server.ask(end(1, sender="")) == PASS
        assert server.head == before
        assert refused(await server.ask(rcpt(SURGEON, sender=""))) == "ADDRESS_INVALID"

    played(play)


def test_who_was_not_asked_about_takes_nobodys_place() -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        assert await server.ask(rcpt(SURGEON)) == PASS
        for state in ("DATA", "END-OF-MESSAGE"):
            assert await server.ask(asked(state, recipient="postmaster", recipient_count=1)) == OUT_OF_STEP
        assert server.head == before
        assert await server.ask(asked("DATA", recipient=SURGEON.upper(), recipient_count=1)) == PASS
        assert await server.ask(end(1, recipient=f"{SURGEON}.")) == PASS
        assert server.head == before + 1

    played(play)


def test_who_comes_behind_the_end_of_a_message_is_not_taken_for_one_of_its_recipients() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON)) == PASS
        assert await server.ask(end(1)) == PASS
        assert await server.ask(end(1)) == PASS  # Postfix asks again where it heard nothing
        assert await server.ask(rcpt(REMOTE_DOCTOR)) == PASS
        assert await server.ask(end(2)) == OUT_OF_STEP

    played(play)


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        (OUTSIDER, "ADDRESS_INVALID RECIPIENT_DOMAIN_NOT_ADMITTED"),
        (f"nobody@{HOSPITAL}", "ADDRESS_INVALID RECIPIENT_UNKNOWN"),
        ("postmaster", "ADDRESS_INVALID"),
    ],
)
def test_a_report_goes_to_whom_any_message_may_go(recipient: str, code: str) -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(USAGER, sender="", instance="another")) == PASS
        before = server.head
        assert refused(await server.ask(rcpt(recipient, sender=""))) == "ADDRESS_INVALID"
        assert server.head == before + 1
        [stored] = server.engine.engine.recorder.read(after=before)
        decided = codec.decode(stored.event.data, stored.position).event
        assert isinstance(decided, MessageDecided)
        assert [reason.code for reason in decided.verdicts[0].reasons] == code.split()

    played(play)


def test_a_report_to_a_mailbox_that_is_suspended_meanwhile_is_refused_at_its_end() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(SURGEON, sender="")) == PASS
        await server.engine.handle(SuspendMailbox(address=SURGEON))
        assert refused(await server.ask(end(1, sender=""))) == "ADDRESS_INVALID"

    played(play)


def test_who_logged_in_writes_no_report_as_nobody() -> None:
    async def play(server: Postfix) -> None:
        assert refused(await server.ask(rcpt(DOCTOR, sender="", sasl_username="bob"))) == "ADDRESS_INVALID"

    played(play)


def test_a_report_waits_for_a_store_that_cannot_answer() -> None:
    async def play(server: Postfix) -> None:
        assert await server.ask(rcpt(DOCTOR, sender="")) == PASS
        await server.engine.close()
        assert await server.ask(rcpt(DOCTOR, sender="", instance="another")) == UNAVAILABLE
        assert await server.ask(end(1, sender="")) == OUT_OF_STEP

    played(play)


def test_nobody_may_always_pass() -> None:
    async def play(server: Postfix) -> None:
        for recipient in (DOCTOR, SURGEON):
            assert await server.ask(rcpt(recipient, sender="")) == PASS
        assert await server.ask(end(2, sender="")) == PASS

    played(play, policy=Policy(name="mx1", null_sender="pass"))


def test_nobody_may_be_refused() -> None:
    async def play(server: Postfix) -> None:
        assert refused(await server.ask(rcpt(DOCTOR, sender=""))) == "ADDRESS_INVALID"

    played(play, policy=Policy(name="mx1", null_sender="refuse"))


@pytest.mark.parametrize(
    ("sender", "common_name", "code"),
    [
        (REMOTE_DOCTOR, CABINET_CN, None),
        (REMOTE_DOCTOR, CABINET_CN.upper(), None),
        (REMOTE_DOCTOR, None, None),
        (REMOTE_DOCTOR, "", "CERTIFICATE_NOT_ADMITTED"),
        (REMOTE_DOCTOR, "mss.ailleurs.fr", "CERTIFICATE_NOT_ADMITTED"),
        (REMOTE_DOCTOR, f"CN={CABINET_CN},O=CABINET+20EXEMPLE,C=FR", "CERTIFICATE_NOT_ADMITTED"),
        (DOCTOR, "mss.ailleurs.fr", None),
    ],
    ids=[
        "its own",
        "in capitals",
        "none known",
        "one without a name",
        "another's",
        "a name that looks like a whole one",
        "of who is here",
    ],
)
def test_a_certificate_is_known_by_its_common_name(sender: str, common_name: str | None, code: str | None) -> None:
    async def play(server: Postfix) -> None:
        certificate = {} if common_name is None else {"ccert_subject": common_name, "ccert_issuer": "IGC"}
        answer = await server.ask(rcpt(SURGEON, sender=sender, **certificate))
        assert (answer == PASS) if code is None else (refused(answer) == code)

    played(play)


def test_the_announced_size_counts_at_once_and_none_is_no_size() -> None:
    async def play(server: Postfix) -> None:
        assert refused(await server.ask(rcpt(USAGER, size=26_000_000))) == "MESSAGE_TOO_LARGE"
        assert refused(await server.ask(rcpt(USAGER, size=2**63 - 1, instance="c"))) == "MESSAGE_TOO_LARGE"
        assert await server.ask(rcpt(USAGER, instance="b")) == PASS
        assert refused(await server.ask(end(1, instance="b", size=26_000_000))) == "MESSAGE_TOO_LARGE"

    played(play)


def test_in_shadow_a_refusal_passes_and_is_recorded_at_the_end() -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        assert await server.ask(rcpt(SURGEON, sender=USAGER)) == PASS
        assert await server.ask(end(1, sender=USAGER)) == PASS
        assert server.head == before + 1

    played(play, options=Options(shadow_reasons=("CONTACT_NOT_OPENED",)))


def test_what_passed_in_shadow_is_not_reported_as_delivered() -> None:
    async def play(server: Postfix) -> None:
        for recipient in (USAGER, REMOTE_DOCTOR):
            assert await server.ask(rcpt(recipient)) == PASS
        await server.engine.handle(SuspendMailbox(address=DOCTOR))
        before = server.head
        assert await server.ask(end(2)) == PASS
        assert server.head == before + 1

    final = Policy(name="mx1", hosted=frozenset({PATIENTS}), final_hop=True)
    played(play, policy=final, options=Options(shadow_reasons=("SENDER_SUSPENDED",)))


class Seen:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.replies: list[tuple[str | None, Reply]] = []
        self.problems: list[str] = []
        self.abandoned_messages = 0

    def decided(self, command: SubmitMessage, reply: Reply, seconds: float, login: str | None) -> None:
        assert seconds >= 0
        self.replies.append((command.stage, reply))

    def failed(self, problem: Exception) -> None:
        self.problems.append(type(problem).__name__)

    def abandoned(self) -> None:
        self.abandoned_messages += 1


def test_who_looks_on_is_told_of_decisions_failures_and_what_was_abandoned() -> None:
    seen = Seen()

    async def play(server: Postfix) -> None:
        await server.ask(rcpt(SURGEON))
        await server.ask(rcpt(SURGEON, instance="next"))
        await server.ask(end(1, instance="next"))
        await server.ask(rcpt(OUTSIDER, instance="last"))
        await server.engine.close()
        await server.ask(rcpt(SURGEON, instance="last"))

    played(play, watch=seen)
    assert [(stage, reply.kind, reply.decision is not None) for stage, reply in seen.replies] == [
        ("rcpt", "pass", False),
        ("rcpt", "pass", False),
        ("end-of-message", "pass", True),
        ("rcpt", "refuse", True),
        ("rcpt", "defer", False),
    ]
    assert seen.problems == ["EngineClosedError"]
    assert seen.abandoned_messages == 1


def test_who_looks_on_hears_of_reports_that_pass_and_of_messages_that_nobody_knows() -> None:
    seen = Seen()

    async def play(server: Postfix) -> None:
        await server.ask(rcpt(DOCTOR, sender=""))
        await server.ask(end(1, sender=""))
        await server.ask(end(1, instance="unheard-of"))

    played(play, watch=seen)
    assert seen.replies == [("rcpt", PASSED), ("end-of-message", PASSED)]
    assert (seen.problems, seen.abandoned_messages) == (["OutOfStepError"], 0)


def test_what_is_forgotten_before_its_end_was_abandoned() -> None:
    seen = Seen()

    async def play(server: Postfix) -> None:
        for number in range(3):
            await server.ask(rcpt(SURGEON, instance=f"i{number}"), f"connection {number}")
        await server.ask(end(1, instance="i2"), "connection 2")
        await server.ask(rcpt(SURGEON, instance="i3"), "connection 2")
        assert len(server.underway) == 2

    played(play, watch=seen, underway=Underway(seen, most=2))
    assert seen.abandoned_messages == 1


def test_a_bug_defers_and_is_told_by_its_type_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()

    async def play(server: Postfix) -> None:
        async def broken(command: SubmitMessage | ReportDelivery, *, timeout: float) -> None:
            raise KeyError(command)

        def broken_too(command: SubmitMessage) -> None:
            raise IndexError(command)

        monkeypatch.setattr(server.engine, "handle", broken)
        assert await server.ask(rcpt(OUTSIDER)) == UNAVAILABLE
        monkeypatch.setattr(server.engine.engine, "check_at_once", broken_too)
        assert await server.ask(rcpt(SURGEON)) == UNAVAILABLE

    played(play, watch=seen)
    assert seen.problems == ["KeyError", "IndexError"]


def test_what_is_under_way_is_bounded_in_number_and_in_time() -> None:
    now = [0.0]

    async def play(server: Postfix) -> None:
        for number in range(5):
            now[0] = float(number)
            await server.ask(rcpt(SURGEON, instance=f"i{number}"), f"connection {number}")
        assert len(server.underway) == 3
        assert await server.ask(end(1, instance="i1"), "connection 1") == OUT_OF_STEP
        assert await server.ask(end(1, instance="i2"), "connection 2") == PASS
        now[0] = 12.5
        assert server.underway.find("i3") is None
        assert server.underway.find("i2") is not None
        now[0] = 14
        assert server.underway.find("i4") is None
        assert server.underway.find("i2") is not None  # for it was asked about since

    played(play, underway=Underway(most=3, seconds=9, clock=lambda: now[0]))


def test_what_is_under_way_is_bounded_by_its_recipients() -> None:
    async def play(server: Postfix) -> None:
        for number in range(3):
            for recipient in (SURGEON, REMOTE_DOCTOR, USAGER):
                assert await server.ask(rcpt(recipient, instance=f"i{number}"), f"connection {number}") == PASS
        assert await server.ask(end(3, instance="i0"), "connection 0") == OUT_OF_STEP
        assert await server.ask(end(3, instance="i1"), "connection 1") == PASS
        assert await server.ask(end(3, instance="i2"), "connection 2") == PASS
        assert await server.ask(rcpt(SURGEON, instance="i3"), "connection 1") == PASS

    played(play, underway=Underway(most=5))


def test_two_at_a_time_about_one_recipient_are_one_refusal() -> None:
    async def play(server: Postfix) -> None:
        before = server.head
        answers = await asyncio.gather(*(server.ask(rcpt(OUTSIDER), str(number)) for number in range(8)))
        assert len(set(answers)) == 1
        assert server.head == before + 1

    played(play, policy=POLICY)
