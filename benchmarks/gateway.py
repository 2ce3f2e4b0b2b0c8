"""What asking huissier costs a real Postfix: the time of a RCPT, and messages a second.

Each contestant is a Postfix of its own on loopback whose mail is thrown away, with

- *no policy*: nobody is asked,
- *nothing*: a policy server in Python that decides nothing; it refuses whom the others refuse,
- *policy*: `huissier serve postfix` on an SQLite file with synchronous=FULL,
- *milter*: `huissier serve milter` on another.

A *check* is a RCPT that is let through: it leaves no fact. A *refusal* is recorded before it is answered; it is
compared with a refusal by *nothing* (Postfix logs a line about each) plus committing one row. The benchmark runs as
root, as Postfix does, and needs the package postfix.
"""

import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import sqlalchemy as sa
from tests.postfix.gateway import Front, gateway
from tests.postfix.server import Postfix, answers, free_port, postfix
from tests.waiting import eventually

import huissier
from benchmarks.measure import Report, arguments, say, scratch
from huissier.adapters.bench.raw import RowByRow, driver_session
from huissier.adapters.bench.town import HOSPITAL, Town
from huissier.adapters.bench.turns import Figure, Lap, Rounds, rate, take_turns
from huissier.adapters.log import codec

NO_POLICY, NOTHING, POLICY, MILTER = "no policy", "nothing", "policy", "milter"
SESSIONS: Final = (1, 10, 50)
_MORE: Final = """
virtual_transport = discard
default_transport = discard
smtpd_soft_error_limit = 100000
smtpd_hard_error_limit = 100000
smtpd_recipient_overshoot_limit = 100000
"""


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    options = arguments(__doc__, rounds=5, on_disk=True).parse_args(argv)
    people, each, messages = (10, 3, 5) if options.quick else (300, 100, 300)
    rounds = 1 if options.quick else options.rounds
    town = Town(people)
    with scratch(options.dir.absolute()) as folder, ExitStack() as stack:
        say("setting the scenes")
        sites = dict(_sites(folder, town, stack))
        commit = stack.enter_context(_raw_commits(folder))
        say("asking")
        asked = take_turns(_rcpts(sites, town, each) | {("raw", "commit"): commit}, rounds, slices=2)
        say("sending")
        sent = take_turns(_streams(sites, town, messages), rounds)
    Report("python -m benchmarks.gateway", *_figures(asked, sent)).show(as_json=options.json)


def _sites(folder: Path, town: Town, stack: ExitStack) -> Iterator[tuple[str, Postfix]]:
    yield NO_POLICY, stack.enter_context(postfix(_MORE))
    yield NOTHING, stack.enter_context(_nothing())
    fronts: dict[str, Front] = {POLICY: "postfix", MILTER: "milter"}
    for name, front in fronts.items():
        home = folder / name
        home.mkdir()
        url = f"sqlite:///{home / 'huissier.db'}"
        with huissier.open(url) as engine:
            town.settle(engine)
        running = stack.enter_context(gateway(front, url, home))
        yield name, stack.enter_context(postfix(f"{running.lines}\n{_MORE}"))


@contextmanager
def _nothing() -> Iterator[Postfix]:
    port = free_port()
    service = f"check_policy_service inet:127.0.0.1:{port}"
    asks = f"smtpd_recipient_restrictions = {service}\nsmtpd_end_of_data_restrictions = {service}\n"
    with subprocess.Popen([sys.executable, "-m", "benchmarks.nothing", str(port)]) as process:
        try:
            eventually(lambda: answers(port), lambda: process.poll() is not None)
            with postfix(asks + _MORE) as server:
                yield server
        finally:
            process.terminate()


@contextmanager
def _raw_commits(folder: Path) -> Iterator[Callable[[], Lap]]:
    """Lend a turn that commits the bytes of a decision, one row at a time, with the engine's settings."""
    url = f"sqlite:///{folder / 'raw.db'}"
    with huissier.open(url) as engine:
        decision = huissier.SubmitMessage(id="m", sender=f"a@{HOSPITAL}", recipients=["b@example.org"])
        engine.handle(decision)
        with engine.log.reading() as look:
            fact = codec.decode_fact(look.after(0, 1)[0][1], 1)
            stored = codec.encode(fact.event, fact.at)
    with driver_session(sa.make_url(url)) as session:
        session.run("DELETE FROM events", ())
        yield partial(RowByRow(session).commit, stored, 0.2)


def _rcpts(sites: Mapping[str, Postfix], town: Town, each: int) -> dict[tuple[str, str], Callable[[], Lap]]:
    """Return the turns at RCPT; each refusal is of another recipient, as the same one would be recorded only once."""
    strangers = (f"stranger.{number}@example.org" for number in count())
    people = town.professionnels[1:]

    def turn(site: Postfix, recipients: Callable[[], list[str]]) -> Lap:
        with smtplib.SMTP("127.0.0.1", site.port) as server:
            server.ehlo("peer.example.org")
            server.mail(town.professionnels[0])
            waits = []
            for recipient in recipients():
                began = perf_counter()
                server.rcpt(recipient)
                waits.append(perf_counter() - began)
            return Lap(len(waits), sum(waits), waits)

    known = [people[number % len(people)] for number in range(each)]
    turns = {(name, "check"): partial(turn, site, lambda: known) for name, site in sites.items()}
    refusing = {
        (name, "refusal"): partial(turn, sites[name], lambda: [next(strangers) for _ in range(each)])
        for name in (NOTHING, POLICY, MILTER)
    }
    return {**turns, **refusing}


def _streams(sites: Mapping[str, Postfix], town: Town, messages: int) -> dict[tuple[str, int], Callable[[], Lap]]:
    sender, recipient = town.professionnels[:2]

    def turn(site: Postfix, sessions: int) -> Lap:
        command = ["smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-l", "2000"]
        command += ["-f", sender, "-t", recipient, f"inet:127.0.0.1:{site.port}"]
        began = perf_counter()
        subprocess.run(command, check=True)
        return Lap(messages, perf_counter() - began)

    return {(name, number): partial(turn, site, number) for number in SESSIONS for name, site in sites.items()}


def _figures(
    asked: Mapping[tuple[str, str], Rounds], sent: Mapping[tuple[str, int], Rounds]
) -> tuple[list[Figure], list[Figure], list[str]]:
    times = {key: _median_wait(f"{key[0]}, {key[1]}", rounds) for key, rounds in asked.items()}
    rates = {key: rate(f"{key[0]}, {key[1]} sessions", "messages/s", rounds) for key, rounds in sent.items()}
    nothing, refusing, commit = times[NOTHING, "check"], times[NOTHING, "refusal"], times["raw", "commit"]
    with_commit = Figure("", "ms", tuple(a + b for a, b in zip(refusing.values, commit.values, strict=True)))
    ratios = [
        times[POLICY, "check"].over(nothing, "check by policy / nothing (aim 1.5)"),
        times[MILTER, "check"].over(nothing, "check by milter / nothing"),
        times[POLICY, "refusal"].over(with_commit, "refusal by policy / nothing and a raw commit (aim 1.3)"),
        times[MILTER, "refusal"].over(with_commit, "refusal by milter / nothing and a raw commit"),
        *(
            rates[name, number].over(rates[NOTHING, number], f"messages by {name} / nothing, {number} sessions")
            for number in SESSIONS
            for name in (POLICY, MILTER)
        ),
    ]
    return ratios, [*times.values(), *rates.values()], ["RCPT times are medians of a round."]


def _median_wait(name: str, rounds: Rounds) -> Figure:
    """Return the median of each round in milliseconds; where single waits were not measured, their mean."""
    return Figure(
        f"RCPT: {name}" if name != "raw, commit" else "raw commit",
        "ms",
        tuple(
            1000 * median([wait for lap in laps for wait in lap.waits or (lap.seconds / lap.operations,)])
            for laps in rounds
        ),
    )


if __name__ == "__main__":
    main()
