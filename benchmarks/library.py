"""Durable decisions beside the `eventsourcing` library's own ways to take them, on SQLite and PostgreSQL.

All are asked the same submissions, decide with the same rules on the same facts, and answer once that is durable:

- *ours*: the engine.
- *application*: the library's `Application`. The sender's mailbox is an aggregate that is got from the repository,
  and each decision a new aggregate that is saved; all other facts are held in memory, which is kinder to the
  library than a correct program could be, for nothing tells it when they change.
- *DCB recorder*: the library's `postgres_tt`. All facts the decision rests on are read with one query by their
  tags, and the decision is appended on condition that no other has come since; on a conflict it is taken again. It
  is measured on a log without messages; on one with 100,000 messages, tagged as ours are; and on one whose messages
  also carry the tags of their mailboxes and domains, so that they can be read by those: there the query names types.

Ours on PostgreSQL has the 100,000 messages too. The library's contestants look up no vault and make no digests. On
SQLite the library has no DCB recorder.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import get_args
from uuid import NAMESPACE_URL, UUID, uuid5

import sqlalchemy as sa
from eventsourcing.application import Application
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem, DCBRecorder, DCBSequencedEvent
from eventsourcing.dcb.postgres_tt import PostgresTTDCBFactory
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError

from benchmarks import history
from benchmarks.measure import Report, arguments, say, scratch
from benchmarks.postgres import scratch_database, server
from huissier.adapters.bench.callers import Handle, in_threads, new_key, scratch_engine
from huissier.adapters.bench.town import HOSPITAL, OPERATORS, Town
from huissier.adapters.bench.turns import rate, take_turns
from huissier.adapters.log import codec
from huissier.domain.answers import Answer
from huissier.domain.commands import SubmitMessage
from huissier.domain.events import AnyEvent, MessageDecided
from huissier.domain.facts import Facts
from huissier.domain.identities import Identities
from huissier.domain.message import decide_message
from huissier.domain.rule_set import USAGERS_DOMAIN, RuleBook
from huissier.domain.tags import contact_tag, domain_tag, mailbox_tag, operator_tag, submission_tag
from huissier.domain.timeline import Fact
from huissier.domain.vocabulary.address import MailboxAddress

RULES = RuleBook()
OURS, APPLICATION, DCB = "ours", "library application", "library DCB recorder"
DCB_LONG, DCB_BUSY = f"{DCB}, long log", f"{DCB}, long log, busy tags"
CALLERS = (1, 8)
BATCH = 5_000
CHANGES_OF_STATE = [str(kind.__struct_config__.tag) for kind in get_args(AnyEvent) if kind is not MessageDecided]


def main(argv: list[str] | None = None) -> None:
    """Measure on SQLite and on PostgreSQL, and print."""
    parser = arguments(__doc__, rounds=5, on_disk=True)
    parser.add_argument("--postgres", metavar="URL", help="a server on which databases may be made (default: its own)")
    options = parser.parse_args(argv)
    people, seconds, slices, rounds = (10, 0.02, 1, 1) if options.quick else (300, 0.4, 3, options.rounds)
    town, length = Town(people), 100 if options.quick else 100_000
    with scratch(options.dir) as folder, server(options.postgres) as postgres, ExitStack() as stack:
        say("setting the scenes")
        asked = {"SQLite": on_sqlite(folder, town, stack), "PostgreSQL": on_postgres(postgres, town, length, stack)}
        asking = [town.submissions(seed) for seed in range(max(CALLERS))]
        timed = {
            (where, who, callers): partial(in_threads, handle, asking[:callers], seconds)
            for where, handles in asked.items()
            for who, handle in handles.items()
            for callers in CALLERS
        }
        take_turns(timed, 1)  # not counted: first, files and caches reach their size
        found = take_turns(timed, rounds, slices=slices)
    figures = {key: rate(_named(*key), "decisions/s", laps) for key, laps in found.items()}
    ratios = [
        figures[where, OURS, callers].over(figure, f"{OURS} / {figure.name}")
        for (where, who, callers), figure in figures.items()
        if who != OURS
    ]
    notes = [f"{people} professionnels and as many usagers"]
    Report("uv run python -m benchmarks.library", ratios, list(figures.values()), notes).show(as_json=options.json)


def _named(where: str, who: str, callers: int) -> str:
    return f"{who}, {where}, {callers} {'caller' if callers == 1 else 'callers'}"


def on_sqlite(folder: Path, town: Town, stack: ExitStack) -> dict[str, Handle]:
    """Set the scene in files, for each contestant on SQLite."""
    ours, scene = settled(sa.URL.create("sqlite", database=str(folder / "ours.db")), town, stack)
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "library.db")}
    return {OURS: ours, APPLICATION: application(environment, scene, stack)}


def on_postgres(postgres: sa.URL, town: Town, length: int, stack: ExitStack) -> dict[str, Handle]:
    """Set the scene in databases, for each contestant on PostgreSQL."""

    def new_database() -> sa.URL:
        return stack.enter_context(scratch_database(postgres))

    def recorder(messages: Iterable[DCBEvent], query: Callable[[list[str]], DCBQuery]) -> Handle:
        environment = _environment("eventsourcing.dcb.postgres_tt", new_database())
        return dcb_recorder(environment, scene, messages, query, stack)

    messages = list(islice(history.messages(town.professionnels), length))
    ours, scene = settled(new_database(), town, stack, messages)
    return {
        OURS: ours,
        APPLICATION: application(_environment("eventsourcing.postgres", new_database()), scene, stack),
        DCB: recorder([], query_by_tags),
        DCB_LONG: recorder(messages, query_by_tags),
        DCB_BUSY: recorder(map(tagged_busily, messages), query_by_tags_and_types),
    }


def _environment(module: str, url: sa.URL) -> dict[str, str]:
    return {
        "PERSISTENCE_MODULE": module,
        "POSTGRES_DBNAME": str(url.database),
        "POSTGRES_HOST": str(url.host or url.query["host"]),
        "POSTGRES_PORT": str(url.port or 5432),
        "POSTGRES_USER": str(url.username),
        "POSTGRES_PASSWORD": str(url.password or ""),
        "POSTGRES_POOL_SIZE": str(max(CALLERS)),
    }


class Scene:
    """The facts of a settled town, and the addresses that stand for its usagers in them."""

    def __init__(self, town: Town, events: Iterable[DCBSequencedEvent]) -> None:
        self.events = list(events)
        decided = (codec.decode(one.event.data, one.position).event for one in self.events)
        opened = [one.verdicts[0].recipient for one in decided if isinstance(one, MessageDecided)]
        self._names = dict(zip(town.usagers, opened, strict=True))

    def identities(self, command: SubmitMessage) -> Identities:
        """Say whom a submission means, without a vault."""
        raw = (command.sender, *command.recipients)
        addresses = {one: MailboxAddress.of_fact(self._names.get(one, one)) for one in raw}
        return Identities(addresses=addresses, submission=command.id, message_id=command.message_id)


def boundary(identities: Identities) -> list[str]:
    """Name the tags of all facts that a decision on one submission rests on."""
    sender, recipient = (address for address in identities.addresses.values() if address is not None)
    tags = [submission_tag(identities.submission)]
    for address in (sender, recipient):
        operator = OPERATORS[address.domain]
        tags += [mailbox_tag(str(address)), domain_tag(address.domain), operator_tag(operator)]
    if sender.domain == USAGERS_DOMAIN:
        tags.append(contact_tag(str(sender), str(recipient)))
    return list(dict.fromkeys(tags))


def decided_on(facts: Facts, command: SubmitMessage, identities: Identities) -> MessageDecided:
    """Decide as the engine does."""
    now = datetime.now(UTC)
    return decide_message(command, identities, now, facts, RULES.at(now))


def answer(decided: MessageDecided) -> Answer:
    """Return an answer with no more than the caller looks at."""
    accepted = all(verdict.accepted for verdict in decided.verdicts)
    return Answer(type="submit-message", outcome="accepted" if accepted else "refused", position=None)


def fact(data: bytes, position: int) -> Fact:
    """Read a stored fact."""
    found = codec.decode(data, position).event
    return Fact(found.at, position, found)


def settled(url: sa.URL, town: Town, stack: ExitStack, messages: Iterable[DCBEvent] = ()) -> tuple[Handle, Scene]:
    """Settle the town in a store of ours; return the function that asks it, and the facts of the town."""
    engine = stack.enter_context(scratch_engine(url, new_key()))
    town.settle(engine)
    scene = Scene(town, engine.recorder.read())
    append_all(engine.recorder, messages)
    return engine.handle, scene


class Mailbox(Aggregate):
    """A mailbox and its facts."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.facts: list[Fact] = []

    @staticmethod
    def create_id(address: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"mailbox:{address}")

    @event("Changed")
    def change(self, position: int, stored: str) -> None:
        """Take in a fact."""
        self.facts.append(fact(stored.encode(), position))


class Decision(Aggregate):
    """A submission and what was decided on it; another under the same id is refused by the library."""

    def __init__(self, submission: str, stored: str) -> None:
        self.submission = submission
        self.stored = stored

    @staticmethod
    def create_id(submission: str, stored: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"submission:{submission}")


def application(environment: Mapping[str, str], scene: Scene, stack: ExitStack) -> Handle:
    """Bring the mailboxes into an application of the library, and return the function that asks it."""
    library: Application[UUID] = stack.enter_context(closing(Application(environment)))
    held: dict[str, list[Fact]] = {}
    mailboxes: dict[str, Mailbox] = {}
    for stored in scene.events:
        for tag in stored.event.tags:
            held.setdefault(tag, []).append(fact(stored.event.data, stored.position))
            if tag.startswith("mailbox:"):
                address = tag.removeprefix("mailbox:")
                mailboxes.setdefault(address, Mailbox(address)).change(stored.position, stored.event.data.decode())
    for mailbox in mailboxes.values():  # one by one: a single save of all may wait for ever in the driver's pipeline
        library.save(mailbox)

    def handle(command: SubmitMessage) -> Answer:
        identities = scene.identities(command)
        sender = str(identities.addresses[command.sender])
        mailbox: Mailbox = library.repository.get(Mailbox.create_id(sender))
        tags = boundary(identities)
        facts = Facts()
        facts.learn(tags)
        for tag in tags:
            for one in mailbox.facts if tag == mailbox_tag(sender) else held.get(tag, ()):
                facts.add((tag,), one)
        decided = decided_on(facts, command, identities)
        library.save(Decision(identities.submission, codec.encode(decided, decided.at).data.decode()))
        return answer(decided)

    return handle


def query_by_tags(tags: list[str]) -> DCBQuery:
    """Ask for all facts that carry one of the tags."""
    return DCBQuery([DCBQueryItem(tags=[tag]) for tag in tags])


def query_by_tags_and_types(tags: list[str]) -> DCBQuery:
    """Ask for changes of state, and by the submission's and the contact's tag for messages too, which change those."""
    return DCBQuery(
        [
            DCBQueryItem(tags=[tag], types=[] if tag.startswith(("submission:", "contact:")) else CHANGES_OF_STATE)
            for tag in tags
        ]
    )


def tagged_busily(message: DCBEvent) -> DCBEvent:
    """Return a message with the tags of its mailboxes and their domain too."""
    decided = codec.decode(message.data, 0).event
    if not isinstance(decided, MessageDecided):
        raise TypeError(message.type)
    addresses = (decided.sender, *(verdict.recipient for verdict in decided.verdicts))
    return DCBEvent(message.type, message.data, [*message.tags, *map(mailbox_tag, addresses), domain_tag(HOSPITAL)])


def dcb_recorder(
    environment: dict[str, str],
    scene: Scene,
    messages: Iterable[DCBEvent],
    query_for: Callable[[list[str]], DCBQuery],
    stack: ExitStack,
) -> Handle:
    """Bring facts and messages into a DCB recorder of the library, and return the function that asks it."""
    factory = stack.enter_context(closing(PostgresTTDCBFactory(environment)))
    recorder = factory.dcb_recorder()
    append_all(recorder, chain((one.event for one in scene.events), messages))

    def handle(command: SubmitMessage) -> Answer:
        identities = scene.identities(command)
        tags = boundary(identities)
        query = query_for(tags)
        while True:
            facts = Facts()
            facts.learn(tags)
            found = recorder.read(query)
            for one in found:
                facts.add(one.event.tags, fact(one.event.data, one.position))
            decided = decided_on(facts, command, identities)
            try:
                recorder.append([codec.encode(decided, decided.at)], DCBAppendCondition(query, found.head))
            except IntegrityError:
                continue
            return answer(decided)

    return handle


def append_all(recorder: DCBRecorder, events: Iterable[DCBEvent]) -> None:
    """Write a history, many facts per commit."""
    rest = iter(events)
    while batch := list(islice(rest, BATCH)):
        recorder.append(batch)


if __name__ == "__main__":
    main()
