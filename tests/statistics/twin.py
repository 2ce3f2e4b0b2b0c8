"""Exchanges counted the slow way: every fact of the log into timelines, every message looked up when it is asked."""

from collections import defaultdict
from typing import Any

from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log import codec
from huissier.domain.events import MessageDecided
from huissier.domain.facts import new_timeline
from huissier.domain.tags import domain_tag, mailbox_tag, operator_tag, submission_tag, tags_of
from huissier.domain.timeline import Fact, Timeline
from huissier.domain.vocabulary.address import MailboxAddress
from huissier.projections.exchanges import Exchange
from huissier.projections.months import month_of, start_of

File = tuple[str, int]


class Twin:
    """All of a log up to a position."""

    def __init__(self, engine: Engine, position: int) -> None:
        self._timelines: dict[str, Timeline[Any]] = {}
        self._messages: list[tuple[MessageDecided, dict[str, tuple[str, str, str | None]]]] = []
        with engine.log.reading() as look:
            rows = look.after(0, position)
        for row in rows:
            event = codec.decode(row[1], row[0]).event
            if isinstance(event, MessageDecided):
                ends = (event.sender, *(verdict.recipient for verdict in event.verdicts))
                self._messages.append((event, {address: self._end(address, event) for address in ends}))
            for tag in tags_of(event):
                if ":" in tag:
                    self._timeline(tag).add(Fact(event.at, row[0], event))

    def _timeline(self, tag: str) -> Timeline[Any]:
        if tag not in self._timelines:
            self._timelines[tag] = new_timeline(tag)
        return self._timelines[tag]

    def _end(self, text: str, message: MessageDecided) -> tuple[str, str, str | None]:
        """Return what is shown of an address as of a message, its type, and its domain if it is held here."""
        address = MailboxAddress.of_fact(text)
        domain = self._timeline(domain_tag(address.domain)).as_of(message.at)
        runs_it = self._timeline(operator_tag(domain.operator or "")).as_of(message.at)
        held = address.domain if domain.hosted else None
        said = next((v.usager for v in message.verdicts if v.recipient == text), False)
        if (
            said
            or text == "usager"
            or address.is_pseudonym
            or address.domain == "patient.mssante.fr"
            or runs_it.kind == "usager"
        ):
            return "usager", "USAGER", held
        mailbox = self._timeline(mailbox_tag(text)).as_of(message.at)
        return text, mailbox.kind if held and mailbox.exists else "EXTERNE", held

    def _shown(self, end: tuple[str, str, str | None], message: MessageDecided) -> tuple[str, str, str | None]:
        """Return an end as it is shown now, knowing whose domains were usagers' at any time of the message's month."""
        domain = self._timeline(domain_tag(end[0].rpartition("@")[2]))
        month = month_of(message.at)
        times = [start_of(month), *(fact.at for fact in domain.facts if month_of(fact.at) == month)]
        operators = (self._timeline(operator_tag(domain.as_of(time).operator or "")).latest for time in times)
        return ("usager", "USAGER", end[2]) if any(one.kind == "usager" for one in operators) else end

    def files(self) -> dict[File, list[Exchange]]:
        """Return every file there is, by domain and month."""
        pairs: dict[File, dict[tuple[str, str], list[Any]]] = defaultdict(dict)
        for event, ends in self._messages:
            submission = self._timeline(submission_tag(event.id)).latest
            sender = self._shown(ends[event.sender], event)
            for verdict in event.verdicts:
                recipient = self._shown(ends[verdict.recipient], event)
                arrival = submission.arrival_at(verdict.recipient) if verdict.accepted else None
                for domain in {sender[2], recipient[2]} - {None}:
                    of_file = pairs[str(domain), month_of(event.at)]
                    line = of_file.setdefault((sender[0], recipient[0]), [set(), set(), 0, 0, 0, 0])
                    line[0].add(sender[1])
                    line[1].add(recipient[1])
                    line[2] += verdict.passes
                    line[3] += not verdict.passes
                    line[4] += arrival is not None and arrival.delivered
                    line[5] += arrival is not None and not arrival.delivered
        return {
            file: [Exchange(*pair, _one(line[0]), _one(line[1]), *line[2:]) for pair, line in sorted(of_file.items())]
            for file, of_file in pairs.items()
        }


def _one(types: set[str]) -> str:
    """Return the type of an address that had no other but, perhaps, none for a time."""
    (found,) = types - {"EXTERNE"} or {"EXTERNE"}
    return found
