"""Examples of `policy_machine` per second, beside such histories told to the reference twin alone.

The machine draws a history, asks the engine (each message checked, handled and handled again), asks the twin, and
checks every property after each step. The twin alone answers histories that were drawn before.
"""

import unittest
from collections.abc import Callable
from functools import partial

from hypothesis import HealthCheck, Phase, given, settings

import huissier
from benchmarks.measure import Report, arguments
from huissier.adapters.bench.turns import Lap, each, lap, rate, take_turns
from huissier.adapters.testing import policy_machine
from huissier.adapters.testing.hospital import NOW
from huissier.adapters.testing.reference.twin import Twin
from huissier.adapters.testing.strategies import histories
from huissier.adapters.testing.trial import tried
from huissier.domain.commands import AnyCommand

STEPS = 30
MACHINE, TRIAL, TWIN = "policy_machine", "the same histories, drawn before", "the twin alone"


def main(argv: list[str] | None = None) -> None:
    """Draw histories, have all three go through them in turns, and print."""
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--examples", type=int, default=50, help="histories a turn (default 50)")
    options = parser.parse_args(argv)
    examples, rounds = (3, 1) if options.quick else (options.examples, options.rounds)
    drawn = drawn_histories(examples)

    def each_told(tell: Callable[[list[AnyCommand]], None]) -> None:
        for history in drawn:
            tell(history)

    contestants = {
        MACHINE: lambda: with_machine(examples),
        TRIAL: lambda: lap(lambda: each_told(partial(tried, engine)), examples),
        TWIN: lambda: lap(lambda: each_told(twin_told), examples),
    }
    found = take_turns(contestants, rounds)
    machine, trial, twin = [rate(name, "examples/s", laps) for name, laps in found.items()]
    commands = sum(map(len, drawn)) / examples
    Report(
        "uv run python -m benchmarks.machine",
        [machine.over(twin, f"{MACHINE} / {TWIN}"), trial.over(twin, f"{TRIAL} / {TWIN}")],
        [machine, trial, twin, each("an example of the machine", found[MACHINE])],
        [f"{examples} histories a turn, {commands:.0f} commands each where they were drawn before"],
    ).show(as_json=options.json)


def engine() -> huissier.Engine:
    """Open an empty store in memory."""
    return huissier.open("sqlite://", clock=lambda: NOW)


def with_machine(examples: int) -> Lap:
    """Run the machine as a test does; a failure ends the benchmark."""
    case = policy_machine(engine, examples=examples, steps=STEPS)("runTest")
    result = unittest.TestResult()
    measured = lap(partial(case.run, result), examples)
    if not result.wasSuccessful():
        raise SystemExit(str(result.failures or result.errors))
    return measured


def twin_told(history: list[AnyCommand]) -> None:
    """Have a new twin answer a history."""
    twin = Twin()
    for command in history:
        twin.handle(command)


def drawn_histories(count: int) -> list[list[AnyCommand]]:
    """Draw histories of about the length that the machine tells."""
    drawn: list[list[AnyCommand]] = []

    @settings(max_examples=count, phases=[Phase.generate], database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(histories(min_size=STEPS - 10, max_size=STEPS))
    def draw(history: list[AnyCommand]) -> None:
        drawn.append(history)

    draw()
    return drawn


if __name__ == "__main__":
    main()
