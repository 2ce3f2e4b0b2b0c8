"""Pure rule decisions per CPU second: ours, a plain Python function, and Cedar, on the same trust space.

All are asked about the same probes (one message to one recipient) on the same 10,000 mailboxes and 20,000
contacts, and all must accept and refuse the same ones before anything is measured; Cedar must also name the same
reasons. Nothing is read from a vault or a log and nothing is recorded. All run in one thread and are timed
in CPU seconds, so that a busy neighbour matters less.

Cedar's policies are those that the tests hold against the rules (`tests/reference/rules.cedar`). No probe has a
certificate, answers a FIN message, or goes to professionnels and usagers at once.
"""

import json
import random
from collections.abc import Callable
from functools import partial
from itertools import islice
from time import process_time
from typing import Any

import cedarpy
from tests.reference.cedar import asked_about, opinion, policies, together
from tests.reference.exchanges import exchanges

from benchmarks.measure import Report, arguments, say
from benchmarks.rules_world import NOW, Probe, World, build, history, plainly_accepted, probing
from huissier.adapters.bench.turns import Figure, lap, rate, take_turns
from huissier.domain import events as e
from huissier.domain.commands import SubmitMessage
from huissier.domain.facts import Facts
from huissier.domain.identities import Identities
from huissier.domain.message import decide_message
from huissier.domain.rule_set import RuleBook
from huissier.domain.rules import acceptances, refusals
from huissier.domain.tags import TRUST_SPACE, tags_of
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.address import MailboxAddress

RULES = RuleBook().at(NOW)
BATCH = 500

PLAIN = "plain Python function"
OURS = "decide_message"
OURS_RULES = "rules alone"
CEDAR = "cedarpy, one a call"
CEDAR_BATCH = f"cedarpy, {BATCH} a call"
CEDAR_JSON = "cedarpy, entities brought as JSON"


def main(argv: list[str] | None = None) -> None:
    """Check that all agree, measure, and print."""
    options = arguments(__doc__, rounds=5).parse_args(argv)
    mailboxes, contacts, asked = (200, 400, 200) if options.quick else (10_000, 20_000, 2_500)
    rounds, slices = (1, 1) if options.quick else (options.rounds, 4)
    say("building the trust space")
    chance = random.Random(1)
    world = build(mailboxes, contacts, chance)
    probes = list(islice(probing(world, chance), asked))
    ours = Ours(world, probes)
    notes = [ours.check(world, probes)]
    contestants: dict[str, tuple[int, Callable[[], object]]] = {  # with as many passes as make a round take a while
        PLAIN: (20, lambda: [plainly_accepted(world, *probe) for probe in probes]),
        OURS_RULES: (6, lambda: [refusals(x) or acceptances(x) for x in ours.exchanges]),
        OURS: (3, ours.decide_all),
    }
    say("telling Cedar the same")
    cedar = Cedar(ours)
    notes.append(cedar.check(ours))
    contestants |= {
        CEDAR: (1, cedar.one_by_one),
        CEDAR_BATCH: (1, cedar.in_batches),
        CEDAR_JSON: (1, cedar.from_json),
    }
    timed = {
        name: partial(lap, partial(_times, passes, work), passes * asked, clock=process_time)
        for name, (passes, work) in contestants.items()
    }
    found = take_turns(timed, rounds, slices=slices)
    figures = [rate(name, "decisions/CPU second", laps) for name, laps in found.items()]
    Report("uv run python -m benchmarks.rules", _ratios(figures), figures, notes).show(as_json=options.json)


def _times(passes: int, work: Callable[[], object]) -> None:
    for _ in range(passes):
        work()


def _ratios(figures: list[Figure]) -> list[Figure]:
    by_name = {figure.name: figure for figure in figures}
    others = (PLAIN, CEDAR, CEDAR_BATCH, CEDAR_JSON)
    return [
        by_name[ours].over(by_name[other], f"{ours} / {other}")
        for ours in (OURS, OURS_RULES)
        for other in others
        if other in by_name
    ]


class Ours:
    """The world as facts in memory, and each probe as the engine hands it to the domain."""

    def __init__(self, world: World, probes: list[Probe]) -> None:
        self.facts = Facts()
        log = [Fact(event.at, position, event) for position, event in enumerate(history(world), 1)]
        passed_over = ("submission:", TRUST_SPACE)  # no probe asks for them
        self.facts.learn({tag for fact in log for tag in tags_of(fact.event) if not tag.startswith(passed_over)})
        for fact in log:
            self.facts.add(tags_of(fact.event), fact)
        self.asked = [self._asked(number, probe) for number, probe in enumerate(probes)]
        self.exchanges = [x for command, who in self.asked for x in exchanges(command, who, NOW, self.facts, RULES)]

    def _asked(self, number: int, probe: Probe) -> tuple[SubmitMessage, Identities]:
        command = SubmitMessage(id=f"m-{number}", sender=probe.sender, recipients=[probe.recipient], size=probe.size)
        addresses = {text: MailboxAddress.of_fact(text) for text in (probe.sender, probe.recipient)}
        identities = Identities(addresses=addresses, submission=command.id)
        return command, identities

    def decide_all(self) -> list[e.MessageDecided]:
        """Decide each probe as the engine has it decided."""
        return [decide_message(command, identities, NOW, self.facts, RULES) for command, identities in self.asked]

    def codes(self) -> list[set[str]]:
        """Return the reasons against each probe, from the whole decision."""
        given = [decided.verdicts[0] for decided in self.decide_all()]
        return [set() if v.accepted else {str(reason.code) for reason in v.reasons} for v in given]

    def check(self, world: World, probes: list[Probe]) -> str:
        """Make sure that the decision, the rules alone and the plain function agree on every probe."""
        codes = self.codes()
        for probe, x, against in zip(probes, self.exchanges, codes, strict=True):
            if {str(reason.code) for reason in refusals(x)} != against:
                raise SystemExit(f"the rules alone disagree on {probe}")
            if plainly_accepted(world, *probe) != (not against):
                raise SystemExit(f"the plain function disagrees on {probe}: {against}")
        accepted = sum(not against for against in codes)
        named = sorted(set().union(*codes))
        return (
            f"{len(world.mailboxes)} mailboxes, {len(world.contacts)} contacts;"
            f" {len(probes)} probes, {accepted} accepted, all agree; reasons to refuse: {', '.join(named)}"
        )


class Cedar:
    """Each probe as Cedar is asked about it, with the entities that stand in the state behind it."""

    def __init__(self, ours: Ours) -> None:
        asked = [asked_about(x) for x in ours.exchanges]
        self._all = together(asked)
        self._requests: list[dict[str, Any]] = [each.request for each in asked]
        self._relevant = [json.dumps(each.entities) for each in asked]

    def one_by_one(self) -> list[Any]:
        """Ask one question per call."""
        return [cedarpy.is_authorized(request, policies(), self._all) for request in self._requests]

    def in_batches(self) -> list[Any]:
        """Ask many questions per call."""
        ask, every = cedarpy.is_authorized_batch, range(0, len(self._requests), BATCH)
        return [a for i in every for a in ask(self._requests[i : i + BATCH], policies(), self._all)]

    def from_json(self) -> list[Any]:
        """Ask one question per call and bring only the entities it is about, as text."""
        asked = zip(self._requests, self._relevant, strict=True)
        return [cedarpy.is_authorized(request, policies(), entities) for request, entities in asked]

    def check(self, ours: Ours) -> str:
        """Make sure that Cedar names the same reasons for every probe, asked in each way."""
        codes = ours.codes()
        for answers in (self.one_by_one(), self.in_batches(), self.from_json()):
            for request, answer, against in zip(self._requests, answers, codes, strict=True):
                said = opinion(answer)
                if said.allowed != (not against) or (against and said.codes != against):
                    raise SystemExit(f"Cedar disagrees on {request}: {said}, not {against}")
        return "Cedar agrees on every probe and names the same reasons to refuse"


if __name__ == "__main__":
    main()
