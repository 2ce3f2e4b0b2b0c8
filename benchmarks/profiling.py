"""Where the time of a decision goes, on a store in memory, so that no disk is waited for.

A single caller has a turn for each decision; 64 in a batch share one turn, as callers do that wait at the same time;
with 64 asyncio callers, tasks are woken as well. `--functions` prints what the dearest functions of a batch cost;
profiling makes them look dearer than they are.
"""

import cProfile
import pstats
import sys
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice

import huissier
from benchmarks.measure import Report, arguments
from huissier.adapters.bench.callers import Callers, check_accepted
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Lap, each, lap, take_turns

BATCH = 64
SHOWN = 40


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--functions", action="store_true", help="print the dearest functions instead")
    options = parser.parse_args(argv)
    people, batches, seconds, rounds = (10, 1, 0.02, 1) if options.quick else (300, 100, 0.5, options.rounds)
    town, engine = Town(people), huissier.open("sqlite://")
    with Callers(engine, town) as callers:
        town.settle(engine)
        submissions = town.submissions(seed=1_000_000)
        if options.functions:
            profile(engine, submissions, batches)
            return
        contestants = {
            "one caller": partial(callers.alone, seconds),
            f"{BATCH} in a batch": partial(in_batches, engine, submissions, batches),
            f"{BATCH} asyncio callers": partial(callers.tasks, BATCH, seconds),
        }
        take_turns(contestants, 1)
        figures = [each(f"a decision, {name}", found) for name, found in take_turns(contestants, rounds).items()]
    together = figures[1]
    ratios = [figure.over(together, f"{figure.name} / {together.name}") for figure in figures if figure != together]
    Report("uv run python -m benchmarks.profiling", ratios, figures, []).show(as_json=options.json)


def in_batches(engine: huissier.Engine, submissions: Iterator[huissier.SubmitMessage], batches: int) -> Lap:
    """Decide batches; building the submissions is not counted."""
    asked = [list(islice(submissions, BATCH)) for _ in range(batches)]
    answers: list[list[huissier.Answer]] = []
    found = lap(lambda: answers.extend(map(engine.handle_many, asked)), batches * BATCH)
    for answer in chain.from_iterable(answers):
        check_accepted(answer)
    return found


def profile(engine: huissier.Engine, submissions: Iterator[huissier.SubmitMessage], batches: int) -> None:
    """Print the functions that take most, with what they call."""
    profiler = cProfile.Profile()
    profiler.runcall(in_batches, engine, submissions, batches)
    pstats.Stats(profiler, stream=sys.stdout).sort_stats("cumtime").print_stats(SHOWN)


if __name__ == "__main__":
    main()
