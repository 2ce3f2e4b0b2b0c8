"""One message in one session: recipients first, then the message for all of them or for none."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest

import huissier
from huissier import SuspendMailbox
from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.gateway.replies import PASS
from huissier.adapters.gateway.transaction import Content, Policy, Transaction
from huissier.adapters.testing.hospital import (
    DOCTOR,
    HOSPITAL,
    NOW,
    OUTSIDER,
    REMOTE_DOCTOR,
    SURGEON,
    USAGER,
    ins,
    world,
)
from huissier.domain.rule_set import Options
from tests.waiting import held_elsewhere

POLICY = Policy(name="mx1", hosted=frozenset({HOSPITAL}))
QUEUE_ID = "4dVQ7l1hZ4z4yTc"


def in_a_session(
    play: Callable[[AsyncEngine, Transaction], Awaitable[None]], *, sender: str = DOCTOR, policy: Policy = POLICY
) -> None:
    async def session() -> None:
        async with huissier.open_async("sqlite://", clock=lambda: NOW) as engine:
            for command in world():
                await engine.handle(command)
            await play(engine, Transaction(engine, policy, "1.2.3", sender))

    asyncio.run(session())


def test_who_is_let_through_is_recorded_when_the_message_has_come() -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        head = engine.engine.head
        assert (await transaction.recipient(SURGEON)).kind == "pass"
        assert (await transaction.recipient(REMOTE_DOCTOR)).kind == "pass"
        assert engine.engine.head == head
        reply = await transaction.message(QUEUE_ID)
        assert (reply.kind, reply.decision) == ("pass", f"mx1/{QUEUE_ID}")
        assert engine.engine.head == head + 1
        assert await transaction.message(QUEUE_ID) == reply
        assert engine.engine.head == head + 1

    in_a_session(play)


def test_who_is_refused_is_recorded_once_however_often_it_is_asked() -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        head = engine.engine.head
        first = await transaction.recipient(OUTSIDER)
        assert first.kind == "refuse"
        assert first.text.startswith("550 5.7.1 RECIPIENT_DOMAIN_NOT_ADMITTED ")
        assert await transaction.recipient(OUTSIDER.upper()) == first
        assert engine.engine.head == head + 1
        assert (await transaction.message(QUEUE_ID)).kind == "defer"

    in_a_session(play)


def test_who_is_let_through_waits_for_nobody_who_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        with monkeypatch.context() as without_a_pen:
            without_a_pen.delattr(AsyncEngine, "handle")
            assert await transaction.recipient(SURGEON) == PASS
        assert (await transaction.message(QUEUE_ID)).kind == "pass"

    in_a_session(play)


def test_where_nobody_can_tell_at_once_the_pen_does() -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        with held_elsewhere(engine.engine._checks.desk.lock):
            assert await transaction.recipient(SURGEON) == PASS
            assert (await transaction.recipient(OUTSIDER)).kind == "refuse"

    in_a_session(play)


def test_what_changed_in_between_refuses_the_message_as_a_whole() -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        for recipient in (REMOTE_DOCTOR, SURGEON):
            assert (await transaction.recipient(recipient)).kind == "pass"
        await engine.handle(SuspendMailbox(address=SURGEON))
        reply = await transaction.message(QUEUE_ID)
        assert (reply.kind, reply.reason) == ("refuse", "RECIPIENT_SUSPENDED")

    in_a_session(play)


def test_a_closed_store_defers() -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        assert (await transaction.recipient(SURGEON)).kind == "pass"
        await engine.close()
        assert (await transaction.recipient(REMOTE_DOCTOR)).kind == "defer"
        assert (await transaction.message(QUEUE_ID)).kind == "defer"

    in_a_session(play)


@pytest.mark.parametrize(("recipients", "usager_may_answer"), [((USAGER,), True), ((USAGER, REMOTE_DOCTOR), True)])
def test_at_the_final_hop_the_mailboxes_that_are_here_have_received_it(
    recipients: tuple[str, ...], usager_may_answer: bool
) -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        for recipient in recipients:
            assert (await transaction.recipient(recipient)).kind == "pass"
        assert (await transaction.message(QUEUE_ID)).kind == "pass"
        answer = await Transaction(engine, POLICY, "2", USAGER).recipient(DOCTOR)
        assert (answer.kind == "pass") is usager_may_answer

    in_a_session(play, policy=Policy(name="mx1", hosted=frozenset({"patient.mssante.fr"}), final_hop=True))


@pytest.mark.parametrize(
    ("null_sender", "is_report", "kind"),
    [
        ("reports", True, "pass"),
        ("reports", None, "pass"),
        ("reports", False, "refuse"),
        ("pass", False, "pass"),
    ],
)
def test_a_report_comes_from_nobody_and_is_no_message(null_sender: str, is_report: bool | None, kind: str) -> None:
    async def play(engine: AsyncEngine, transaction: Transaction) -> None:
        assert await transaction.recipient(DOCTOR) == PASS
        assert (await transaction.message(QUEUE_ID, content=Content(is_report=is_report))).kind == kind

    in_a_session(play, sender="", policy=Policy(name="mx1", null_sender=null_sender))  # type: ignore[arg-type]


def test_who_writes_from_nowhere_may_be_refused() -> None:
    async def play(_: AsyncEngine, transaction: Transaction) -> None:
        assert (await transaction.recipient(DOCTOR)).reason == "ADDRESS_INVALID"

    in_a_session(play, sender="", policy=Policy(name="mx1", null_sender="refuse"))


@pytest.mark.parametrize("ins_key", ["strict", "lenient"])
def test_a_report_goes_to_an_ins_as_far_as_any_message_does(ins_key: Literal["strict", "lenient"]) -> None:
    wrong = f"{ins(1)[:-2]}{int(ins(1)[-2:]) % 97 + 1:02}@patient.mssante.fr"

    async def play(engine: AsyncEngine, _: Transaction) -> None:
        engine.engine.follow(Options(ins_key=ins_key))
        report = Transaction(engine, POLICY, "1", "")
        assert (await report.recipient(USAGER)).kind == "pass"
        message, report = Transaction(engine, POLICY, "2", DOCTOR), Transaction(engine, POLICY, "3", "")
        told = {(await asked.recipient(wrong)).text for asked in (message, report)}
        assert len(told) == (1 if ins_key == "strict" else 2)
        assert all("ADDRESS_INVALID" in text for text in told) == (ins_key == "strict")

    in_a_session(play)


def test_what_is_refused_on_paper_only_does_not_stand_against_a_report() -> None:
    async def play(engine: AsyncEngine, report: Transaction) -> None:
        assert (await report.recipient(OUTSIDER)).kind == "refuse"
        engine.engine.follow(Options(shadow_reasons=("RECIPIENT_DOMAIN_NOT_ADMITTED",)))
        assert (await report.recipient(OUTSIDER)).kind == "pass"
        assert (await report.recipient("nobody at all")).kind == "refuse"

    in_a_session(play, sender="")
