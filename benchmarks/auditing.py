"""A log decided again by replay and what-if, and reported on, against reading it by the cursor and decoding it.

Nothing that looks at every fact is faster than the cursor and the decoder; a replay also takes every decision again,
on the facts before it, and compares. The processes are started in each turn, and that is counted too.
"""

from collections import deque
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import sqlalchemy as sa

from benchmarks.measure import Report, arguments, say, scratch
from huissier.adapters.audit.replay.crew import Crew
from huissier.adapters.audit.replay.replaying import replay
from huissier.adapters.audit.replay.sources import StoreSource
from huissier.adapters.audit.replay.what_if import what_if
from huissier.adapters.audit.report.evidence import Evidence
from huissier.adapters.audit.report.page import page_of
from huissier.adapters.audit.report.reporting import Report as Page
from huissier.adapters.audit.report.subject import Subject
from huissier.adapters.bench.callers import check_accepted, new_key, scratch_engine
from huissier.adapters.bench.raw import driver_session, read_and_decode
from huissier.adapters.bench.town import Town
from huissier.adapters.bench.turns import Figure, Lap, lap, rate, take_turns
from huissier.adapters.clock import utc_now
from huissier.adapters.log.read_only import ReadOnlyLog
from huissier.domain.rule_set import SHIPPED
from huissier.domain.what_if import Instead
from huissier.projections.trail import Period

BATCH = 500
NEVER = Period(until=datetime(2000, 1, 1, tzinfo=UTC))
DECODE = "cursor and decode"
ONE = "replay, one process"
TWO = "replay, two processes"


def main(argv: list[str] | None = None) -> None:
    """Have an engine write a log, go through it again and again, and print the figures."""
    parser = arguments(__doc__, rounds=5, on_disk=True)
    parser.add_argument("--messages", type=int, default=100_000, help="how many are decided (default 100,000)")
    options = parser.parse_args(argv)
    people, messages, rounds = (10, 200, 1) if options.quick else (300, options.messages, options.rounds)
    with scratch(options.dir) as folder:
        url = sa.make_url(f"sqlite:///{folder / 'huissier.db'}")
        write(url, people, messages)
        source = StoreSource.of(url.render_as_string())
        found = take_turns(contestants(url, source), rounds)
    decoded, *others = [rate(name, "facts/s", laps) for name, laps in found.items()]
    by_name = {figure.name: figure for figure in others}
    ratios = [figure.over(decoded, f"{figure.name} / {DECODE}") for figure in others]
    ratios.append(by_name[TWO].over(by_name[ONE], f"{TWO} / {ONE}"))
    figures: list[Figure] = [decoded, *others]
    notes = [f"{source.head:,} facts, {messages + people:,} of them decisions with one verdict each"]
    Report("uv run python -m benchmarks.auditing", ratios, figures, notes).show(as_json=options.json)


def write(url: sa.URL, people: int, messages: int) -> None:
    """Settle a town and let it write."""
    town = Town(people)
    with scratch_engine(url, new_key()) as engine:
        town.settle(engine)
        story = islice(town.submissions(1), messages)
        while batch := list(islice(story, BATCH)):
            for answer in engine.handle_many(batch):
                check_accepted(answer)
            say(f"{engine.head:,} facts")


def contestants(url: sa.URL, source: StoreSource) -> dict[str, Any]:
    """Return what takes turns."""
    same = Instead(SHIPPED, {})

    def decoding() -> Lap:
        with driver_session(url) as session:
            return lap(partial(read_and_decode, session), source.head)

    return {
        DECODE: decoding,
        ONE: lambda: going_through(replay(source, jobs=1), source.head),
        TWO: lambda: going_through(replay(source, jobs=2), source.head),
        "what-if, fixed, one process": lambda: going_through(what_if(source, same, "fixed", jobs=1), source.head),
        "what-if, counterfactual, one process": lambda: going_through(
            what_if(source, same, "counterfactual", jobs=1), source.head
        ),
        "report of a day that had no facts": lambda: reported(source, Subject(happened=NEVER)),
        "report of everything": lambda: reported(source, Subject()),
    }


def reported(source: StoreSource, subject: Subject) -> Lap:
    """Make the whole page."""
    with ReadOnlyLog(source.url) as log, log.reading() as look:
        page = page_of(Page(look, subject, Evidence(), "en", utc_now()))
        return lap(lambda: deque(page, maxlen=0), source.head)


def going_through(crew: Crew[Any], facts: int) -> Lap:
    """Take all findings, of which there must be none."""

    def work() -> None:
        for found in crew.findings():
            raise SystemExit(f"an honest log differs: {found}")

    return lap(work, facts)


if __name__ == "__main__":
    main()
