"""`policy_machine`: Hypothesis drives whatever decides against the twin, step by step."""

from collections.abc import Sequence
from typing import Any
from unittest import TestCase

import msgspec
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from huissier.adapters.testing.properties import PROPERTIES
from huissier.adapters.testing.shrinking import shortest
from huissier.adapters.testing.steps import Property
from huissier.adapters.testing.strategies import USUAL, Mix, commands, conversations, worlds
from huissier.adapters.testing.strategies.chance import often
from huissier.adapters.testing.strategies.telling import ANY_TIME, STARTS, STEPS, Telling
from huissier.adapters.testing.strategies.themes import NARROW
from huissier.adapters.testing.strategies.town import MOMENTS
from huissier.adapters.testing.strategies.worlds import ANY_MOMENT
from huissier.adapters.testing.told import told
from huissier.adapters.testing.trial import BrokenError, Factory, Trial, not_closed, tried
from huissier.domain.commands import AnyCommand
from huissier.domain.rule_set import Options


def policy_machine(
    factory: Factory,
    *,
    options: Options | None = None,
    mix: Mix = USUAL,
    examples: int = 100,
    steps: int = 30,
    properties: Sequence[Property] = PROPERTIES,
) -> type[TestCase]:
    """Return a test case that tells histories to what `factory()` makes, and checks every property after each step.

    `factory` makes, each time it is called, something with `handle`, `check`, `close` and an empty log, which decides
    under `options`. `examples`: how many histories, each of at most `steps` commands after its set-up; `mix`: what they
    are made of. A failure tells the history, made as short as possible, as given/when/then and as JSON lines for
    `huissier apply`. The class's `settings` are Hypothesis's.
    """

    anything = commands(mix)

    class PolicyMachine(RuleBasedStateMachine):
        """Tells one history."""

        def __init__(self) -> None:
            super().__init__()
            self._on_trial = factory()
            self._trial = Trial(self._on_trial, options, properties)
            self._history: list[AnyCommand] = []
            self._is_over = False

        @initialize(
            world=worlds(complete=mix.complete),
            opening=often(conversations(), st.just([])),
            start=STARTS,
            theme=st.sampled_from((anything, *NARROW)) if mix.themes else st.just(anything),
        )
        def a_world_is_set_up(self, world: list[AnyCommand], opening: list[Any], start: int, theme: Any) -> None:
            """Set up the town, and usually have a professionnel and a usager write to each other."""
            for command in world:
                self._say(command)
            self._telling = Telling(len(world), start)
            for body in opening:
                self._say(self._telling.next(body, 0, MOMENTS[0]))
            self._theme: st.SearchStrategy[Any] = theme

        @rule(data=st.data(), step=STEPS, of_these_few=often(st.just(True), st.just(False)))
        def somebody_says(self, data: st.DataObject, step: int, of_these_few: bool) -> None:
            """Say something about the few that this history is about, or anything."""
            another_time = data.draw(ANY_MOMENT) if step == ANY_TIME else MOMENTS[0]
            body = data.draw(self._theme if of_these_few else anything)
            self._say(self._telling.next(body, step, another_time))

        def _say(self, command: AnyCommand) -> None:
            self._history.append(command)
            self._is_over = True
            try:
                self._trial.step(command)
            except BrokenError as problem:
                raise AssertionError(failure(factory, self._history, options, problem, properties)) from None
            self._is_over = False

        def teardown(self) -> None:
            """Close what was on trial; where that fails behind a step that failed, that one has told it."""
            if (problem := not_closed(self._on_trial)) is not None and not self._is_over:
                raise AssertionError(failure(factory, self._history, options, problem, properties)) from None

    case: type[TestCase] = PolicyMachine.TestCase
    case.settings = settings(  # type: ignore[attr-defined]
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # `shortest` does what shrinking would
        verbosity=Verbosity.quiet,  # the failure tells the history itself
        print_blob=False,  # nothing may follow the history's lines, which are piped to `huissier apply`
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    return case


def failure(
    factory: Factory,
    history: list[AnyCommand],
    options: Options | None,
    problem: BrokenError,
    properties: Sequence[Property] = PROPERTIES,
) -> str:
    """Return the report on a history that fails: the shortest that fails in the same way, in words and JSON lines."""

    def fails(shorter: list[AnyCommand], _: Options) -> bool:
        found = _broken(factory, shorter, options, properties)
        return found is not None and found.name == problem.name

    history, _ = shortest(history, options or Options(), fails)
    again = _broken(factory, history, options, properties)
    under = f"under the options {(options or Options()).differences() or 'by default'}"
    lines = "\n".join(msgspec.json.encode(command).decode() for command in history)
    story = f"{told(history)}\n then {_told_again(problem, again)}"
    return f"{under}\n{story}\n\nas JSON lines for `huissier apply -`:\n{lines}\n"


def _told_again(problem: BrokenError, again: BrokenError | None) -> str:
    if again is not None and again.name == problem.name:
        return str(again)
    return f"{problem}\n      but told to a new one it {f'failed otherwise: {again}' if again else 'did not fail'}"


def _broken(
    factory: Factory, history: list[AnyCommand], options: Options | None, properties: Sequence[Property]
) -> BrokenError | None:
    try:
        tried(factory, history, options, properties)
    except BrokenError as problem:
        return problem
    return None
