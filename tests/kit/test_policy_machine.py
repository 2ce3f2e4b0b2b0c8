"""`policy_machine` has nothing to say of our engine, and finds whatever is broken and tells it shortly."""

import unittest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import huissier
from huissier import Answer, AnyCommand, Options, RegisterOperator
from huissier.adapters.testing import policy_machine
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.testing.machine import failure
from huissier.adapters.testing.properties import PROPERTIES
from huissier.adapters.testing.strategies import HOSTILE
from huissier.adapters.testing.trial import BrokenError, Factory, tried
from tests.command_line import huissier as run
from tests.kit.broken import BROKEN, Way
from tests.kit.engines import CannotBeClosed, Sound

LONGEST = 16  # commands of a history that fails: a whole set-up for usagers' mail, messages both ways, an arrival
LENIENT = Options(fin_header="ends-contact", co_recipients="all", cgu_signature="any-version")
SENTENCES = {one.__name__: str(one.__doc__).strip() for one in PROPERTIES}

TestOurEngine = policy_machine(lambda: huissier.open("sqlite://", clock=lambda: NOW), examples=25)
TestOurEngineUnderOtherOptions = policy_machine(
    lambda: huissier.open("sqlite://", clock=lambda: NOW, options=LENIENT), options=LENIENT, mix=HOSTILE, examples=10
)


FIRST = RegisterOperator(operator="a", kind="usager", at=NOW)


def fails(factory: Factory, **arguments: Any) -> str:
    """Run a machine on what is broken, on the same examples every time, and return what it tells."""
    case = policy_machine(factory, **arguments)
    case.settings = settings(case.settings, derandomize=True, database=None)  # type: ignore[attr-defined]
    result = unittest.TestResult()
    case("runTest").run(result)
    assert not result.errors, result.errors[0][1]
    assert len(result.failures) == 1
    return result.failures[0][1].partition("AssertionError: ")[2]


WAYS = [pytest.param(way, id=how, marks=[pytest.mark.long] if way.takes_long else []) for how, way in BROKEN.items()]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_broken_is_caught_and_told_shortly(way: Way, tmp_path: Path) -> None:
    story = fails(way.make, examples=400, mix=way.mix)
    words, _, lines = story.partition("\nas JSON lines for `huissier apply -`:\n")
    assert words.startswith("under the options by default\n")
    assert "\nwhen " in words
    assert f"\n then {SENTENCES.get(way.breaks, 'Every command is answered.')}\n" in words
    history = lines.strip()
    assert words.count("\ngiven ") + 1 == len(history.splitlines()) <= LONGEST
    assert run("apply", "-", cwd=tmp_path, stdin=history).returncode == 0


def test_what_cannot_be_closed_is_told() -> None:
    told = "when nothing is said\n then It can be closed.\n      closing it raised OSError('no space left')\n"
    assert told in fails(CannotBeClosed, examples=2)


def test_what_cannot_be_closed_does_not_hide_what_else_is_wrong() -> None:
    story = fails(BROKEN["is wrong and cannot be closed"].make, examples=400)
    assert "never wrote first\n      and then closing it raised OSError('no space left')\n" in story


def test_what_does_not_fail_again_is_told_so() -> None:
    problem = BrokenError("SystemExit", "Every command is answered.", "it raised SystemExit(3)")
    assert "SystemExit(3)\n      but told to a new one it did not fail\n" in failure(Sound, [FIRST], None, problem)


def test_an_interrupt_ends_the_run_even_where_closing_fails() -> None:
    class Interrupted(CannotBeClosed):
        def handle(self, command: AnyCommand) -> Answer:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        policy_machine(Interrupted, examples=2)("runTest").debug()
    with pytest.raises(KeyboardInterrupt):
        tried(Interrupted, [FIRST])


def test_each_property_can_be_broken() -> None:
    assert SENTENCES.keys() <= {way.breaks for way in BROKEN.values()}


def test_what_is_sound_is_not_found_fault_with() -> None:
    case = policy_machine(Sound, examples=20)
    assert case("runTest").run(unittest.TestResult()).wasSuccessful()  # type: ignore[union-attr]
