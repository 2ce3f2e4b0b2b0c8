"""The kit's strategies: every word is read, every command is there, and histories are as their mix has them."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from msgspec import structs

import huissier
from huissier import AnyCommand, Options, SubmitMessage
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.testing.strategies import HOSTILE, VALID, Mix, commands, commands_of, histories, options
from huissier.adapters.testing.strategies import vocabulary as words
from huissier.adapters.testing.strategies.town import ADDRESSES
from huissier.domain.reasons import Code
from huissier.domain.vocabulary import identifiers
from huissier.domain.vocabulary.address import Domain, MailboxAddress
from huissier.domain.vocabulary.certificate_dn import CertificateDn, CommonName
from huissier.domain.vocabulary.ins import Ins
from huissier.domain.vocabulary.times import parse_deadline

READ: dict[str, tuple[st.SearchStrategy[str], Callable[[str], str]]] = {
    "rpps": (words.rpps(), identifiers.parse_rpps),
    "adeli": (words.adeli(), identifiers.parse_adeli),
    "finess": (words.finess(), identifiers.parse_finess),
    "secteur": (words.secteurs(), identifiers.parse_secteur),
    "oid": (words.oids(), identifiers.parse_oid),
    "referentiel": (words.referentiels(), identifiers.parse_referentiel),
    "deadline": (words.deadlines(), parse_deadline),
}
WORDS: dict[type[Any], st.SearchStrategy[Any]] = {
    Domain: words.domains(),
    MailboxAddress: words.mailbox_addresses(),
    Ins: words.ins(),
    CertificateDn: words.certificate_dns(),
    CommonName: words.common_names(),
    Code: words.codes(),
}
FIELDS = [
    pytest.param(kind, field.name, id=f"{kind.__struct_config__.tag} {field.name}")
    for kind in get_args(AnyCommand)
    for field in structs.fields(kind)
    if not field.required and field.name != "at"  # which a history gives it
]
few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
found = settings(few, max_examples=2_000, phases=[Phase.generate, Phase.shrink], database=None, derandomize=True)


@pytest.mark.parametrize("name", READ)
def test_every_identifier_is_read_as_it_is(name: str) -> None:
    strategy, parse = READ[name]

    @few
    @given(strategy)
    def is_read(text: str) -> None:
        assert parse(text) == text

    is_read()


@few
@given(st.tuples(*WORDS.values()))
def test_every_word_is_drawn_as_its_type(drawn: tuple[Any, ...]) -> None:
    assert [type(word) for word in drawn] == list(WORDS)
    assert drawn[2].value not in repr(drawn)


@few
@given(words.ins_numbers())
def test_every_ins_is_of_a_place_where_nobody_was_ever_born(number: str) -> None:
    assert number[5:10] == "99000"


@pytest.mark.parametrize("kind", get_args(AnyCommand), ids=lambda kind: str(kind.__struct_config__.tag))
def test_every_command_has_a_strategy(kind: type[Any]) -> None:
    assert isinstance(find(commands_of(kind), lambda _: True, settings=found), kind)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_every_field_of_a_command_is_drawn_now_and_then(kind: type[Any], field: str) -> None:
    assert find(commands_of(kind), lambda command: bool(getattr(command, field)), settings=found)


@few
@given(commands(Mix(submissions=1, reports=0, mailboxes=0, trust_space=0, usagers=0, odd=0)))
def test_a_mix_says_what_comes_and_how_odd_it_is(command: Any) -> None:
    assert isinstance(command, SubmitMessage)
    assert {command.sender, *command.recipients} <= set(ADDRESSES)


def test_a_hostile_mix_spells_addresses_oddly() -> None:
    submission = commands_of(SubmitMessage, HOSTILE.odd)
    assert find(submission, lambda message: message.sender not in ADDRESSES, settings=found).sender not in ADDRESSES


@few
@given(histories(min_size=3, max_size=6, mix=VALID))
def test_a_valid_set_up_is_recorded_line_by_line(history: list[AnyCommand]) -> None:
    with huissier.open("sqlite://", clock=lambda: NOW) as engine:
        outcomes = [engine.handle(command).outcome for command in history[:12]]
    assert set(outcomes) <= {"recorded", "unchanged"}


@settings(few, max_examples=60)
@given(histories(mix=VALID))
def test_what_is_valid_can_be_read(history: list[AnyCommand]) -> None:
    with huissier.open("sqlite://", clock=lambda: NOW) as engine:
        answers = engine.handle_many(history)
    reasons = [reason for answer in answers for reason in answer.reasons]
    reasons += [reason for answer in answers for verdict in answer.verdicts for reason in verdict.reasons]
    assert {"ADDRESS_INVALID", "INS_INVALID"}.isdisjoint(reason.code for reason in reasons)


def test_histories_shrink_to_what_matters() -> None:
    history = find(histories(), lambda told: any(_is_fin(said) for said in told), settings=found)
    assert [_is_fin(said) for said in history].count(True) == 1
    assert len(history) <= 6


@few
@given(options())
def test_options_are_of_every_kind(drawn: Options) -> None:
    assert Options.read(drawn.differences().split()) == drawn


def _is_fin(said: AnyCommand) -> bool:
    return isinstance(said, SubmitMessage) and said.subject == "[FIN]"
