"""The engine: commands in, explained and durable answers out, each decided inside one write transaction."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from traceback import clear_frames
from typing import Final, Self, TypeVar

from eventsourcing.dcb.api import DCBRecorder

from huissier.adapters.clock import Clock, in_utc, utc_now
from huissier.adapters.deciding.callers import Callers
from huissier.adapters.deciding.checks import Check, Checks
from huissier.adapters.deciding.clerk import Clerk
from huissier.adapters.deciding.desk import Desk
from huissier.adapters.deciding.line import TIMEOUT, UNAVAILABLE, Line, Ticket, ask, seconds_in
from huissier.adapters.deciding.turn import Turn
from huissier.adapters.errors import CorruptStoreError, InvalidCommandError, StoreError, TemporarilyUnavailableError
from huissier.adapters.log.claim import check_claim, vault_is_elsewhere
from huissier.adapters.log.dialects import BUSY_SECONDS
from huissier.adapters.log.foreign import AskedVault, ForeignLog
from huissier.adapters.log.place import Place
from huissier.adapters.log.port import Log, OvertakenError
from huissier.adapters.log.recorder import SqlRecorder
from huissier.adapters.log.session import Session
from huissier.adapters.log.store import Store, keeps_deleted
from huissier.adapters.validation import validated
from huissier.adapters.vault import Vault, check_environment, load_key
from huissier.adapters.white_list.loading import WhiteListReport, load_white_list
from huissier.domain.answers import Answer, Verdicts
from huissier.domain.commands import AnyCommand, ReportDelivery, SubmitMessage
from huissier.domain.events import StatisticsProduced
from huissier.domain.rule_set import Options, RuleBook
from huissier.domain.white_list import WhiteList

QUEUE: Final = 10_000
MEMORY: Final = 200_000
_LONG: Final = 0.5  # seconds: deciding a batch takes longer only where something was waited for
PATIENCE: Final = BUSY_SECONDS + 5.0  # with a server; it gives up waiting for locks before that

T = TypeVar("T")


class Engine:
    """Answers commands on one store. Safe to share between threads; several processes may open one store.

    In a signal handler that interrupted one of its calls, every other call raises `RuntimeError`.
    """

    def __init__(
        self,
        url: str,
        *,
        options: Options | None = None,
        clock: Clock = utc_now,
        create: bool = True,
        queue: int | None = None,
        memory: int | None = None,
        environment: Mapping[str, str] = os.environ,
        recorder: DCBRecorder | None = None,
    ) -> None:
        """Open a store, made on first use unless `create` is false. Raises `StoreError`.

        `clock`: returns the present, with its zone. `queue`: how many commands may wait for the pen, and how many
        checks for their thread; further commands wait for room, further checks are refused at once. `memory`: how many
        subjects and facts are remembered between decisions (about a kilobyte each); others are read again when they are
        needed. `recorder`: where the log is, if not in the store, which then holds the vault; closing the engine leaves
        it open.
        """
        queue, memory = QUEUE if queue is None else queue, MEMORY if memory is None else memory
        if queue < 1 or memory < 0:
            raise ValueError("queue must be 1 at least, memory 0")
        self.decides = True  # False for a store without its vault: it would take usagers in its log for strangers
        check_environment(environment)
        place = Place(url, create=create)
        key = load_key(place, environment)

        def prepare(session: Session, is_new: bool) -> None:
            Vault(key).adopt(session, is_new)
            check_claim(session, is_new, recorder)
            self.decides = not vault_is_elsewhere(session)
            self._keeps_deleted = keeps_deleted(session)

        def desk() -> Desk:
            return Desk(Vault(key) if recorder is None else AskedVault(key), memory, RuleBook(options))

        self.digest: Callable[[str], str] = Vault(key).digest  # keyed: the same in every process that shares the store
        self._pen_desk, check_desk = desk(), desk()
        self._clock = in_utc(clock)
        self._callers = Callers()
        self._is_at_hand = place.is_embedded and recorder is None  # a server may stop answering
        self.place = place
        self._store = Store(place, prepare, patience=PATIENCE)  # last of what may fail: it holds the file
        self._log: Log = SqlRecorder(self._store) if recorder is None else ForeignLog(recorder, self._store)
        self._line = Line(self._serve, capacity=queue, pen=self._pen_desk.lock if self._is_at_hand else None)
        self._checks = Checks(check_desk, self._log, self._clock, most=queue)

    @property
    def recorder(self) -> SqlRecorder:
        """The store's own log. Raises `StoreError` where the log is elsewhere, in the recorder given."""
        if not isinstance(self._log, SqlRecorder):
            raise StoreError("the log of this store is elsewhere: read it through the recorder that was given")
        return self._log

    @property
    def log(self) -> Log:
        """The log behind the engine, for looking at it."""
        return self._log

    @property
    def head(self) -> int:
        """The position of the log's last event, 0 where there is none."""
        with self._log.reading() as look:
            return look.head

    def handle(self, command: AnyCommand, *, timeout: float = TIMEOUT) -> Answer:
        """Decide a command and record the answer; it is durable when this returns.

        Callers that wait at the same time share one commit. Raises `InvalidCommandError` for a malformed command,
        `TemporarilyUnavailableError` when there is no answer in `timeout` seconds (asking again with the same id
        is safe), and `StoreError` where nothing could be recorded.
        """
        return self._callers.admit(ask, self._line, validated(command), seconds_in(timeout))

    def handle_many(
        self, commands: Iterable[AnyCommand], *, keep_rejections: bool = True, are_valid: bool = False
    ) -> list[Answer]:
        """Decide commands one after the other in one transaction: all answers are durable, or none is.

        `keep_rejections`: whether a rejected command leaves a fact; False for a mere try. `are_valid`: the commands
        come from `validated`. Raises `InvalidCommandError` for a malformed one, and `StoreError`.
        """
        ready = list(commands) if are_valid else [validated(command) for command in commands]
        if not ready:
            self._line.check_open()
            return []
        return self._in_turn(lambda clerk, turn: clerk.answer_all(ready, turn, keep_rejections=keep_rejections))

    def check(self, command: SubmitMessage, *, timeout: float = TIMEOUT) -> Verdicts:
        """Return what `handle` would answer to a submission, and record nothing; it does not wait for the pen.

        Raises `TemporarilyUnavailableError` when there is no answer in `timeout` seconds.
        """
        ready = self._to_be_checked(command)
        if self._is_at_hand:
            return self._callers.admit(self._checks.here, ready)
        return self._callers.admit(self._checks.within, ready, seconds_in(timeout))

    def begin_check(self, command: SubmitMessage, tell: Callable[[Check], object]) -> Check:
        """Begin what `check` does on a thread of the engine's own, for callers who may give up. Raises as it does."""
        check = Check(self._to_be_checked(command), tell)
        self._callers.admit(self._checks.begin, check)
        return check

    def check_at_once(self, command: SubmitMessage) -> Verdicts:
        """Do as `check`, for threads that must never wait for a server, a lock or another thread.

        Raises `TemporarilyUnavailableError` instead of waiting, which says nothing about the store.
        """
        ready = self._to_be_checked(command)
        if not self._is_at_hand:
            raise TemporarilyUnavailableError(UNAVAILABLE)
        return self._callers.admit(self._checks.at_once, ready, self.recorder.glancing)

    def _to_be_checked(self, command: SubmitMessage) -> SubmitMessage:
        ready = validated(command)
        if not isinstance(ready, SubmitMessage):
            raise InvalidCommandError("only a submission can be checked")
        self._line.check_open()
        self.check_decides()
        return ready

    def check_decides(self) -> None:
        """Raise `StoreError` for a store without its vault, on which nothing is decided."""
        if not self.decides:
            raise StoreError("this store was imported without its vault, and nothing is decided or recorded on it")

    def load_white_list(
        self, white_list: WhiteList, *, max_age: timedelta | None = None, allow_older: bool = False
    ) -> WhiteListReport:
        """Record exactly the differences between a verified white list and the trust space.

        Raises `WhiteListError` for a list older than the one loaded last or than `max_age`, unless
        `allow_older`, and for one from the future.
        """
        return self._in_turn(
            lambda _, turn: load_white_list(white_list, turn, max_age=max_age, allow_older=allow_older)
        )

    def give_up(self, id_: str, at: datetime, cause: str | None = None) -> int | None:
        """Record that a submission will not reach those recipients of whom nothing was heard.

        A mail server that gives up does not say whom it could not reach. Returns how many they are, None where the
        submission is not known. Raises `InvalidCommandError` and `StoreError`.
        """
        said = validated(ReportDelivery(at=at, id=id_, recipient="", status="undelivered", cause=cause))
        return self._in_turn(lambda clerk, turn: clerk.give_up(said, turn))

    @property
    def options(self) -> Options:
        """The options under which it decides now."""
        return self._checks.desk.clerk.options

    def can_read(self, address: str) -> bool:
        """Say whether decisions read a text as an address, and any INS in it as one."""
        return self._checks.desk.clerk.can_read(address)

    def follow(self, options: Options) -> None:
        """Decide under other options from now on; a command that is being decided still falls under the old ones."""
        self._callers.admit(self._follow, RuleBook(options))

    def _follow(self, rules: RuleBook) -> None:
        for desk in (self._pen_desk, self._checks.desk):
            with desk.lock:
                desk.clerk.follow(rules)

    def record(self, fact: StatisticsProduced, *, first_behind: int | None = None) -> bool:
        """Record that a file of statistics was produced; it is durable when this returns. Raises `StoreError`.

        `first_behind`: a position; where a final file of the same domain and month stands behind it, nothing is
        recorded and False returned.
        """

        def recorded(_: Clerk, turn: Turn) -> bool:
            if first_behind is not None and any(map(fact.is_of_same_month, turn.events_behind(first_behind))):
                return False
            turn.record(fact)
            return True

        return self._in_turn(recorded)

    @property
    def line(self) -> Line:
        """The line of commands that wait for the pen."""
        return self._line

    def close(self) -> None:
        """Answer everybody who waits, then let go of the store; closing twice does no harm.

        A server that leaves a statement unanswered for `PATIENCE` seconds is hung up on. A fork of the process that
        opened it has nothing to let go of.
        """
        if not self._line.is_inherited:
            self._callers.admit(self._close)

    def _close(self) -> None:
        self._line.close()
        self._checks.close()
        with self._pen_desk.lock, self._checks.desk.lock:
            self._forget_deleted(False)
            self._keeps_deleted = False  # closing a second time asks nothing of a store that is closed
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, tickets: Sequence[Ticket], *, is_last_try: bool = False) -> None:
        """Answer a batch in one turn; where one command breaks it, the others are answered without it.

        Callers whose time ran out while waiting for the pen or a slow server are told so, and nothing is decided for
        them.
        """

        def answered(clerk: Clerk, turn: Turn) -> list[tuple[Ticket, Answer]]:
            in_time, began = _in_time(tickets), time.monotonic()
            answers = clerk.answer_all([one.command for one in in_time], turn)
            has_waited = not self._is_at_hand and time.monotonic() - began > _LONG
            if has_waited and not is_last_try and len(_in_time(in_time)) < len(in_time):
                raise _TooLateError
            return list(zip(in_time, answers, strict=True))

        try:
            answers = self._with_pen(answered)
        except _TooLateError:
            self._serve(tickets, is_last_try=True)
        except Exception as problem:
            clear_frames(problem.__traceback__)  # the ticket keeps the problem, whose traceback keeps all locals
            if isinstance(problem, StoreError) and not isinstance(problem, CorruptStoreError):  # concerns all of them
                for ticket in tickets:
                    ticket.problem = type(problem)(*problem.args)
            elif len(tickets) == 1:
                tickets[0].problem = problem
            else:
                for ticket in tickets:
                    self._serve([ticket])
        else:
            for ticket, answer in answers:
                ticket.answer = answer
            for ticket in tickets:
                if ticket.answer is None:
                    ticket.problem = TemporarilyUnavailableError(UNAVAILABLE)

    def _in_turn(self, work: Callable[[Clerk, Turn], T]) -> T:
        """Do some work with the pen, on the calling thread."""
        return self._callers.admit(self._with_pen, work)

    def _with_pen(self, work: Callable[[Clerk, Turn], T]) -> T:
        """Do some work with the pen; what the turn recorded is durable when this returns.

        The work is done again where somebody else wrote before its facts were appended.
        """
        self._line.check_process()
        self.check_decides()
        with self._pen_desk.lock, self._pen_desk as desk:
            for attempt in self._log.pens(desk.memory.seen):
                turn: Turn | None = None
                try:
                    with attempt as pen:
                        turn = Turn(pen, desk.memory, self._clock())
                        result = work(desk.clerk, turn)
                        pen.append(turn.stored)
                except OvertakenError:
                    if turn is not None:
                        turn.undo()
                        self._keeps_deleted = self._keeps_deleted or turn.has_erased
                    continue
                desk.memory.seen = pen.head
                desk.memory.keep_bounded(turn.done_with)
                self._forget_deleted(turn.has_erased)
                return result
            raise TemporarilyUnavailableError(UNAVAILABLE)

    def _forget_deleted(self, has_erased: bool) -> None:
        """Have the store drop what an erasure left of a row; what does not succeed now is tried in the next turn.

        Another process may have erased and died before the row's remains were dropped, so this one tries too.
        """
        if has_erased or self._keeps_deleted:
            try:
                self._keeps_deleted = not self._store.forget_deleted()
            except StoreError:
                self._keeps_deleted = True  # the erasure itself is durable and must be answered


class _TooLateError(Exception):
    """A caller's time ran out while the batch was being decided."""


def _in_time(tickets: Sequence[Ticket]) -> Sequence[Ticket]:
    now = time.monotonic()
    return [ticket for ticket in tickets if now < ticket.deadline]
