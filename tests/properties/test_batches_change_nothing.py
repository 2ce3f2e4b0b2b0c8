"""A history is answered alike one command at a time and in batches of any size."""

from datetime import UTC, datetime
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

import huissier
from huissier import AdmitDomain, AnyCommand, Options, RegisterOperator, SignInstrument, SubmitMessage, WithdrawDomain
from huissier.adapters.testing.strategies import histories, options
from huissier.adapters.testing.strategies.town import HOSPITAL, LIBERAL
from huissier.domain.answers import Answer
from tests.properties import histories_looked_at

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def in_batches(history: list[AnyCommand], sizes: list[int], policy: Options) -> list[Answer]:
    answers: list[Answer] = []
    rest = iter(history)
    with huissier.open("sqlite://", clock=lambda: NOW, options=policy) as engine:
        while batch := list(islice(rest, sizes.pop() if sizes else 7)):
            answers += engine.handle_many(batch)
    return answers


@histories_looked_at(40)
@given(history=histories(), sizes=st.lists(st.integers(1, 20), max_size=12), policy=options())
def test_batches_of_any_size_give_the_answers_of_single_commands(
    history: list[AnyCommand], sizes: list[int], policy: Options
) -> None:
    one_by_one = in_batches(history, [1] * len(history), policy)
    assert len(one_by_one) == len(history)
    assert in_batches(history, list(sizes), policy) == one_by_one


def test_each_message_sees_what_its_batch_did_to_domains_and_operators_before_it() -> None:
    def message(number: int) -> SubmitMessage:
        return SubmitMessage(id=f"m-{number}", sender=f"a@{LIBERAL}", recipients=[f"b@{HOSPITAL}"])

    changes: list[AnyCommand] = [
        RegisterOperator(operator="a", kind="professionnel"),
        AdmitDomain(domain=LIBERAL, operator="a"),
        AdmitDomain(domain=HOSPITAL, operator="a"),
        AdmitDomain(domain=HOSPITAL, hosted=True),
        SignInstrument(operator="a", instrument="contrat"),
        WithdrawDomain(domain=LIBERAL),
    ]
    history = [command for number, change in enumerate(changes) for command in (change, message(number))]
    one_by_one = in_batches(history, [1] * len(history), Options())
    found = [reason.code for answer in one_by_one for verdict in answer.verdicts for reason in verdict.reasons[:1]]
    assert found == [
        "SENDER_DOMAIN_NOT_ADMITTED",
        "RECIPIENT_DOMAIN_NOT_ADMITTED",
        "PROFESSIONNEL_TO_PROFESSIONNEL",
        "RECIPIENT_UNKNOWN",
        "RECIPIENT_UNKNOWN",
        "SENDER_DOMAIN_NOT_ADMITTED",
    ]
    assert in_batches(history, [len(history)], Options()) == one_by_one
