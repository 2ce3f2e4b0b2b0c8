"""The kit's strategies: every word is read, every command is there, and histories are as their mix has them."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import huissier
from huissier import AnyCommand, Options, SubmitMessage
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.testing.strategies import HOSTILE, VALID, Mix, commands, commands_of, histories, options
from huissier.adapters.testing.strategies import vocabulary as words
from huissier.adapters.testing.strategies.town import ADDRESSES
from huissier.domain.vocabulary import identifiers
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
few = settings(max_examples=30, deadline=None)
found = settings(max_examples=2_000, phases=[Phase.generate, Phase.shrink], database=None, derandomize=True)


@pytest.mark.parametrize("name", READ)
def test_every_identifier_is_read_as_it_is(name: str) -> None:
    strategy, parse = READ[name]

    @few
    @given(strategy)
    def is_read(text: str) -> None:
        assert parse(text) == text

    is_read()


@few
@given(st.tuples(words.domains(), words.mailbox_addresses(), words.ins(), words.certificate_dns(), words.codes()))
def test_every_word_is_drawn_as_its_type(drawn: tuple[Any, ...]) -> None:
    assert [type(word).__name__ for word in drawn] == ["Domain", "MailboxAddress", "Ins", "CertificateDn", "Code"]
    assert drawn[2].value not in repr(drawn)


@pytest.mark.parametrize("kind", get_args(AnyCommand), ids=lambda kind: str(kind.__struct_config__.tag))
def test_every_command_has_a_strategy(kind: type[Any]) -> None:
    assert isinstance(find(commands_of(kind), lambda _: True, settings=found), kind)


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
