"""Reads the log of a Postfix: which lines tell what became of a message, and which queue it came from.

Whoever writes to a Postfix can choose part of what stands in its log. So a line is read from its start, field by
field, an address with quotes in it is none, and what another server said is never searched for a delivery.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import chain, islice
from typing import Final

from huissier.adapters.ingest.log_times import LogTimes
from huissier.adapters.ingest.place import Kept, Place
from huissier.adapters.ingest.sightings import FROM_NOBODY, NOT_FINAL, Sighting, Told, Unreadable, cause_of
from huissier.adapters.json_lines import Line
from huissier.domain.vocabulary.errors import VocabularyError

_STAMP: Final = (
    r"(?:<[0-9]{1,3}>)?"
    r"([A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]{8,18}[Z0-9:+-]{0,6}) "
)
_HEAD: Final = re.compile(rf"{_STAMP}\S+ ([^\s\[\]]+)\[[0-9]+\]: ([0-9A-Za-z]{{5,40}}): (.*)", re.DOTALL)
_OTHER_HEAD: Final = re.compile(rf"{_STAMP}|-- .* --$")  # the second of journalctl itself
_DELIVERY: Final = re.compile(
    r'to=<([^<>"\s]{0,1000})>,(?: orig_to=<([^<>]{0,1000})>,)? relay=([^,]{1,500}),(?: conn_use=[0-9]+,)? delay=[^,]*,'
    r" delays=[^,]*, dsn=([245]\.[0-9]{1,3}\.[0-9]{1,3}), status=([A-Za-z-]+) \((.*)",
    re.DOTALL,
)
_GIVEN_UP: Final = re.compile(r'from=<[^<>"]*>, status=(?:force-)?expired, returned to sender')
_QUEUED: Final = re.compile(r"queued as ([0-9A-Za-z]{5,40})\b")
_FORWARDED: Final = re.compile(r"forwarded as ([0-9A-Za-z]{5,40})\)")  # the word of local(8), and of nobody else
_NO_ADDRESS: Final = re.compile(r'["\s]')
_CAME_FROM: Final = re.compile(r", orig_queue_id=([0-9A-Za-z]{5,40})(?:,|$)")
_QUEUED_ANEW: Final = re.compile(r" orig_id=([0-9A-Za-z]{5,40})$")  # by `postsuper -r`
_ADDRESS_OF_RELAY: Final = re.compile(r"\[[^\]]*\]")
_STATUS: Final = {"sent": "delivered", "bounced": "undelivered"}
_NOT_FINAL: Final = frozenset({"deferred", "SOFTBOUNCE", "deliverable", "undeliverable"})  # the last two: probes
_CLOCKS_APART: Final = timedelta(minutes=1)
_NOBODY: Final = "<>"  # stands among the queue ids a message had before, where it is from nobody
_ANEW: Final = "="  # … where it goes on under another one
_HANDED_ON: Final = ">"  # … and where a relay on the way has a copy of it, whose end may not be heard of
_MARKS: Final = frozenset({_ANEW, _HANDED_ON})
_MOST_QUEUES: Final = 50_000
_MOST_HOPS: Final = 8

Hops = dict[str, list[str]]


class PostfixLog:
    """Reads line after line, and knows of the messages in the queue which queue id each came from."""

    def __init__(
        self,
        times: LogTimes,
        gateways: Iterable[str],
        not_final: Iterable[str] = (),
        hops: Mapping[str, list[str]] | None = None,
    ) -> None:
        """`gateways`: before whose name a queue id is a submission's. `not_final`: relays that only pass a message on.

        `hops`: for each queue id of a message that is still here, those it had before, the last first.
        """
        self._times = times
        self._lines = self._known_lines = 0
        self._gateways = tuple(gateways)
        self._not_final = frozenset(not_final)
        self.hops: Hops = dict(hops or {})
        self._named = Counter(chain.from_iterable(map(_counted, self.hops.values())))  # by how many messages here

    def kept_at(self, place: Place) -> Kept:
        """Return what another run needs to go on from a place."""
        return Kept(place=place, hops=self.hops, day=self._times.day, year=self._times.given)

    def read(self, line: Line) -> Told | None:
        """Return what a line tells of a delivery, None where it is about something else."""
        if line.content is None:
            return Unreadable(place=line.number, error="the line is too long")
        text = line.content.decode("utf-8", "replace").rstrip()
        self._lines += 1
        head = _HEAD.match(text)
        if (known := head or _OTHER_HEAD.match(text)) is not None:
            self._known_lines += 1
            self._times.pass_by(known[1] or "")
        if head is None:
            return _strange(line.number, text)
        stamp, program, queue, rest = head.groups()
        if rest.startswith("to=<"):
            if not (line.has_end or _is_closed(rest)):
                return _strange(line.number, text)
            return self._delivery(line.number, text, stamp, program, queue, rest)
        if rest.startswith("from=<"):
            return self._given_up(line.number, text, stamp, program, queue, rest)
        self._remember(queue, rest)
        return None

    @property
    def is_strange(self) -> bool:
        """Whether lines were read and none was one of a log: another kind of file, or a compressed one."""
        return bool(self._lines) and not self._known_lines

    def _delivery(self, place: int, text: str, stamp: str, program: str, queue: str, rest: str) -> Told | None:
        if (found := _DELIVERY.match(rest)) is None:
            return _strange(place, text)
        if _NOBODY in self.hops.get(queue, ()):
            return FROM_NOBODY
        to, orig_to, relay, dsn, word, said = found.groups()
        if word in _NOT_FINAL:
            return NOT_FINAL
        if word not in _STATUS:
            return Unreadable(place=place, error=f"an unknown status {word}", text=text)
        if word == "sent" and not said.endswith(")"):  # what is missing may say that it is still on its way
            return _strange(place, text)
        if word == "sent" and self._is_on_its_way(program, queue, relay, said):
            return NOT_FINAL
        named = (address for address in (orig_to, to) if address and not _NO_ADDRESS.search(address))
        recipients = tuple(dict.fromkeys(named))
        if not recipients:  # which would mean all of whom nothing was heard
            return Unreadable(place=place, error="a delivery to no address", text=text)
        thrown_away = program.endswith("/discard")
        delivered = word == "sent" and not thrown_away
        return self._sighting(place, text, stamp, queue, recipients, delivered, cause_of(dsn, said.removesuffix(")")))

    def _given_up(self, place: int, text: str, stamp: str, program: str, queue: str, rest: str) -> Told | None:
        if not program.endswith("qmgr"):
            return None
        if rest.startswith("from=<>,"):
            self._link(queue, _NOBODY)
        if _GIVEN_UP.match(rest) is None:
            return None
        if _NOBODY in self.hops.get(queue, ()):
            return FROM_NOBODY
        if self._has_copies_under_way(queue):
            return Unreadable(place=place, error="expired, while a copy is still under way: for whom?", text=text)
        return self._sighting(place, text, stamp, queue, (), False, "expired")

    def _has_copies_under_way(self, queue: str) -> bool:
        """Say whether what became this message is still here, also as another one: then not all were given up."""
        before = _queues(self.hops.get(queue, ()))
        return (
            self._named[queue] > 0
            or any(_HANDED_ON in self.hops.get(name, ()) for name in (queue, *before))
            or any(self._named[name] > 1 or (name in self.hops and _ANEW not in self.hops[name]) for name in before)
        )

    def _sighting(
        self,
        place: int,
        text: str,
        stamp: str,
        queue: str,
        recipients: tuple[str, ...],
        delivered: bool,
        cause: str | None,
    ) -> Told:
        try:
            at = self._times.read(stamp)
        except VocabularyError as problem:
            return Unreadable(place=place, error=str(problem), text=text)
        queues = _queues((queue, *self.hops.get(queue, ())))
        return Sighting(
            place=place,
            ids=tuple(f"{gateway}/{name}" for name in queues for gateway in self._gateways),
            recipients=recipients,
            status="delivered" if delivered else "undelivered",
            times=(at, at + _CLOCKS_APART),
            cause=None if delivered else cause,
        )

    def _is_on_its_way(self, program: str, queue: str, relay: str, said: str) -> bool:
        """Say whether what was handed on comes back here under another queue id, or went to a relay on the way."""
        forwarded = _FORWARDED.match(said) if program.endswith("/local") else None
        taken = forwarded or _QUEUED.search(said)
        comes_back = taken is not None and taken[1] != queue and (taken is forwarded or taken[1] in self.hops)
        if taken is not None and comes_back:
            self._link(taken[1], queue)
            if _HANDED_ON in self.hops.get(queue, ()):
                self._link(taken[1], _HANDED_ON)
        is_handed_on = not self._not_final.isdisjoint({relay, _ADDRESS_OF_RELAY.sub("", relay)})
        if is_handed_on and not comes_back:
            self._hand_on(queue)
        return comes_back or is_handed_on

    def _hand_on(self, queue: str) -> None:
        """Mark a message of which a relay has a copy, and what else became of it here under other queue ids."""
        self._link(queue, _HANDED_ON)
        family = {queue, *_queues(self.hops[queue])}
        if any(self._named[name] > (name != queue) for name in family):
            for name in [name for name, before in self.hops.items() if name in family or not family.isdisjoint(before)]:
                self._link(name, _HANDED_ON)

    def _remember(self, queue: str, rest: str) -> None:
        """Know a queue id as long as its message is here."""
        if rest == "removed":
            self._forget(queue)
        elif rest.startswith("client="):
            came_from = _CAME_FROM.search(rest)
            self._link(queue, came_from[1] if came_from else None)
        elif rest.startswith("uid="):
            anew = _QUEUED_ANEW.search(rest)
            self._link(queue, anew[1] if anew else None)
            if anew and _ANEW not in self.hops.get(anew[1], ()):  # it is not said to be removed
                self._discount(self.hops.setdefault(anew[1], []))
                self.hops[anew[1]].append(_ANEW)
                self._named[_ANEW] += 1

    def _forget(self, queue: str) -> None:
        self._discount(_counted(self.hops.pop(queue, ())))

    def _discount(self, names: Iterable[str]) -> None:
        for name in names:
            self._named[name] -= 1
            if not self._named[name]:
                del self._named[name]

    def _link(self, queue: str, came_from: str | None) -> None:
        before = [] if came_from is None else [came_from, *_queues(self.hops.get(came_from, ()))]
        known = self.hops.setdefault(queue, [])
        more = [name for name in before if name not in known and name != queue][: _MOST_HOPS - len(known)]
        self._named.update(() if _ANEW in known else more)
        known += more
        if len(self.hops) > _MOST_QUEUES:
            for oldest in list(islice(self.hops, _MOST_QUEUES // 10)):
                self._forget(oldest)


def _counted(hops: Sequence[str]) -> Sequence[str]:
    """Return which of a message's queue ids before count as those of one that is here: none where it goes on anew."""
    return (_ANEW,) if _ANEW in hops else hops


def _queues(names: Iterable[str]) -> list[str]:
    return [name for name in names if name not in _MARKS]


def _is_closed(rest: str) -> bool:
    """Say whether a line without an end ends as a whole one does; one within what a server said may do so too."""
    return rest.endswith(")") and rest.count("(") == rest.count(")")


def _strange(place: int, text: str) -> Unreadable | None:
    """Return a line that cannot be read where it may have told of a delivery."""
    if ": to=<" in text and " status=" in text:
        return Unreadable(place=place, error="not a whole line of delivery as Postfix writes it", text=text)
    return None
