"""The engine: commands in, explained and durable answers out, each decided inside one write transaction."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Self

import msgspec
from msgspec import structs

from huissier.adapters.errors import InvalidCommandError, WhiteListError
from huissier.adapters.identify import Identifier
from huissier.adapters.log.recorder import SqlRecorder
from huissier.adapters.log.store import Place, Store
from huissier.adapters.memory import Memory
from huissier.adapters.turn import Turn
from huissier.adapters.vault import Vault, load_key
from huissier.domain.answers import Answer, Verdicts, explained, verdicts_for
from huissier.domain.commands import AnyCommand, OtherCommand, SubmitMessage
from huissier.domain.decide import decide, rejection
from huissier.domain.decision import Recorded, Rejected, Unchanged
from huissier.domain.events import (
    AnyEvent,
    DomainAdmitted,
    DomainWithdrawn,
    MessageDecided,
    UsagerErased,
    WhiteListLoaded,
)
from huissier.domain.facts import needed
from huissier.domain.identities import Identities
from huissier.domain.message import decide_message
from huissier.domain.rule_set import Options, RuleBook
from huissier.domain.tags import TRUST_SPACE, submission_tag
from huissier.domain.vocabulary.ins import without_ins
from huissier.domain.white_list import TrustSpace, WhiteList

Clock = Callable[[], datetime]

_MOST_AHEAD = timedelta(days=1)  # a white list from the future would shut out all that come before it


def utc_now() -> datetime:
    """Return the time of the machine's clock, in UTC."""
    return datetime.now(UTC)


class WhiteListReport(msgspec.Struct, frozen=True):
    """What loading a white list came to: the list's size, and how many pairs were admitted and withdrawn."""

    rows: int
    domains: int
    pairs: int
    admitted: int
    withdrawn: int
    moved: int
    generated_at: datetime


class Engine:
    """Answers commands on one store. Safe to share between threads; several processes may open one store."""

    def __init__(
        self,
        url: str,
        *,
        options: Options | None = None,
        clock: Clock = utc_now,
        create: bool = True,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Open a store, made on first use unless `create` is false. Raises `StoreError`."""
        place = Place(url, create=create)
        vault = Vault(load_key(place.path, is_new=place.is_new, environment=environment))
        self._store = Store(place, vault.adopt)
        self._recorder = SqlRecorder(self._store)
        self._vault = vault
        self._memory = Memory(vault)
        self._rules = RuleBook(options)
        self._identifier = Identifier(vault, lenient_ins=self._rules.options.ins_key == "lenient")
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def recorder(self) -> SqlRecorder:
        """The log behind the engine."""
        return self._recorder

    @property
    def head(self) -> int:
        """The position of the log's last event, 0 where there is none."""
        with self._recorder.reading() as look:
            return look.head

    def handle(self, command: AnyCommand) -> Answer:
        """Decide a command and record the answer; it is durable when this returns.

        Raises `InvalidCommandError` for a malformed command and `StoreError` where nothing could be recorded.
        """
        return self.handle_many([command])[0]

    def handle_many(self, commands: Iterable[AnyCommand]) -> list[Answer]:
        """Decide commands one after the other in one transaction: all answers are durable, or none is."""
        ready = [_validated(command) for command in commands]
        if not ready:
            return []
        with self._turn() as turn:
            return [self._handle(command, turn) for command in ready]

    def check(self, command: SubmitMessage) -> Verdicts:
        """Return what `handle` would answer to a submission, and record nothing."""
        ready = _validated(command)
        if not isinstance(ready, SubmitMessage):
            raise InvalidCommandError("only a submission can be checked")
        with self._lock, self._remembering(), self._recorder.reading() as look:
            turn = Turn(look, self._memory, self._clock())
            identities = self._identifier.identify(ready, look.connection).identities
            verdicts = verdicts_for(ready, identities, self._decided(ready, identities, turn)[0])
            self._memory.keep_bounded([submission_tag(identities.submission)])
            return verdicts

    def load_white_list(
        self, white_list: WhiteList, *, max_age: timedelta | None = None, allow_older: bool = False
    ) -> WhiteListReport:
        """Record exactly the differences between a verified white list and the trust space.

        Raises `WhiteListError` for a list older than the one loaded last or than `max_age`, unless
        `allow_older`, and for one from the future.
        """
        with self._turn() as turn:
            trust_space = TrustSpace(turn.facts_tagged(TRUST_SPACE))
            if not allow_older:
                _refuse_old(white_list, trust_space, turn.now, max_age)
            if white_list.generated_at > turn.now + _MOST_AHEAD:
                raise WhiteListError("the white list was generated in the future; look at the clock")
            changes = trust_space.load(white_list, turn.now)
            turn.record(*changes)
            return _report(white_list, changes)

    def close(self) -> None:
        """Let go of the store; closing twice does no harm."""
        with self._lock:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        """Hold the pen for one batch; what the turn recorded is durable when the block ends."""
        with self._lock, self._remembering():
            with self._recorder.pen() as pen:
                turn = Turn(pen, self._memory, self._clock())
                yield turn
                pen.append(turn.stored)
            self._memory.seen = pen.head
            self._memory.keep_bounded(turn.done_with)

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        """Drop what is remembered when anything fails: it may be ahead of the log."""
        try:
            yield
        except BaseException:
            self._memory.forget()
            raise

    def _handle(self, command: AnyCommand, turn: Turn) -> Answer:
        identities, newcomers = self._identifier.identify(command, turn.connection)
        if isinstance(command, SubmitMessage):
            answer, is_new = self._answer_submission(command, identities, turn)
        else:
            answer = self._answer_other(command, identities, turn)
            is_new = answer.outcome == "recorded"
        if is_new:
            for newcomer in newcomers:
                self._vault.keep(turn.connection, newcomer.ins, newcomer.usager_id)
        return answer

    def _answer_other(self, command: OtherCommand, identities: Identities, turn: Turn) -> Answer:
        turn.learn(lambda facts: needed(command, identities, facts))
        at = command.at or turn.now
        outcome = decide(command, identities, at, turn.facts)
        kind = str(command.__struct_config__.tag)
        match outcome:
            case Unchanged():
                return Answer(type=kind, outcome="unchanged", position=None)
            case Rejected():
                position = turn.record(rejection(command, identities, at, outcome))
                return Answer(type=kind, outcome="rejected", position=position, reasons=(explained(outcome),))
            case Recorded(event):
                if isinstance(event, UsagerErased):
                    self._vault.erase(turn.connection, event.usager)
                return Answer(type=kind, outcome="recorded", position=turn.record(event))

    def _answer_submission(self, command: SubmitMessage, identities: Identities, turn: Turn) -> tuple[Answer, bool]:
        """Return the answer, and whether it is given for the first time."""
        decided, position = self._decided(command, identities, turn)
        if is_new := position is None:
            position = turn.record(decided)
        turn.done_with.append(submission_tag(identities.submission))
        verdicts = verdicts_for(command, identities, decided)
        answer = Answer(
            type="submit-message", id=command.id, outcome=verdicts.outcome, position=position, verdicts=verdicts
        )
        return answer, is_new

    def _decided(self, command: SubmitMessage, identities: Identities, turn: Turn) -> tuple[MessageDecided, int | None]:
        """Return what is decided on a submission; with its position where its id came before."""
        turn.learn(lambda facts: needed(command, identities, facts))
        first = turn.facts.submission(identities.submission).latest
        if first.decided is not None:
            return first.decided, first.position
        at = command.at or turn.now
        return decide_message(command, identities, at, turn.facts, self._rules.at(at)), None


def _validated(command: AnyCommand) -> AnyCommand:
    """Return the command with every field of its type. Raises `InvalidCommandError` naming the field."""
    try:
        return msgspec.convert(structs.asdict(command), type(command))
    except UnicodeEncodeError:
        raise InvalidCommandError(f"{_unwritable_field(command)}: half a surrogate pair is no text") from None
    except (msgspec.ValidationError, ValueError, TypeError) as problem:
        raise InvalidCommandError(without_ins(str(problem))) from None


def _unwritable_field(command: AnyCommand) -> str:
    """Return the field whose text cannot be written, which the error of the library does not name."""
    for name, value in structs.asdict(command).items():
        try:
            str(value).encode()
        except UnicodeEncodeError:
            return name
    return "a field"


def _refuse_old(white_list: WhiteList, trust_space: TrustSpace, now: datetime, max_age: timedelta | None) -> None:
    last = trust_space.last_load
    if last is not None and white_list.generated_at < last.generated_at:
        raise WhiteListError(
            f"the white list of {white_list.generated_at.isoformat()} is older than the one loaded last,"
            f" of {last.generated_at.isoformat()}"
        )
    if max_age is not None and now - white_list.generated_at > max_age:
        raise WhiteListError(
            f"the white list of {white_list.generated_at.isoformat()} is older than {max_age.days} days"
        )


def _report(white_list: WhiteList, changes: tuple[AnyEvent, ...]) -> WhiteListReport:
    admitted = {event.domain for event in changes if isinstance(event, DomainAdmitted)}
    withdrawn = {event.domain for event in changes if isinstance(event, DomainWithdrawn)}
    loads = [event for event in changes if isinstance(event, WhiteListLoaded)]
    return WhiteListReport(
        rows=white_list.rows,
        domains=len(white_list.pairs),
        pairs=white_list.pair_count,
        admitted=sum(load.admitted for load in loads),
        withdrawn=sum(load.withdrawn for load in loads),
        moved=len(admitted & withdrawn),
        generated_at=white_list.generated_at,
    )
