"""Puts whatever decides on trial: asks it and the twin command by command, and checks every property."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Protocol

from msgspec.structs import replace

from huissier.adapters.testing.properties import PROPERTIES, answered, said
from huissier.adapters.testing.reference.twin import Twin
from huissier.adapters.testing.steps import Property, Step, Told
from huissier.domain.answers import Answer, Verdict
from huissier.domain.commands import AnyCommand, SubmitMessage
from huissier.domain.rule_set import Options


class Decides(Protocol):
    """What is on trial: an `Engine`, or anything that answers like one; it begins with an empty log."""

    def handle(self, command: AnyCommand, /) -> Answer:
        """Decide and record."""
        ...

    def check(self, command: SubmitMessage, /) -> Sequence[Verdict]:
        """Decide and record nothing."""
        ...

    def close(self) -> None:
        """End."""
        ...


Factory = Callable[[], Decides]


class BrokenError(AssertionError):
    """A property does not hold, or what is on trial raised an error: `name` is then its type, `factory` or `close`."""

    def __init__(self, name: str, sentence: str, problem: str) -> None:
        """`problem`: what was found instead."""
        self.name, self.problem = name, problem
        super().__init__(f"{sentence}\n      {problem}" if problem else sentence)


class Trial:
    """One history so far."""

    def __init__(
        self, on_trial: Decides, options: Options | None = None, properties: Sequence[Property] = PROPERTIES
    ) -> None:
        """Begin it; `options` are those that what is on trial decides under."""
        self._on_trial = on_trial
        self._options = options or Options()
        self._properties = properties
        self._twin = Twin(self._options)
        self.told: list[Told] = []

    def step(self, command: AnyCommand) -> None:
        """Ask one more command and check every property. Raises `BrokenError`."""
        try:
            step = self._asked(command)
        except (Exception, SystemExit) as problem:  # Ctrl-C still ends the run
            raise BrokenError(
                type(problem).__name__, "Every command is answered.", f"it raised {problem!r}"
            ) from problem
        for property_ in self._properties:
            try:
                property_(step)
            except AssertionError as problem:
                name, sentence = property_.__name__, (property_.__doc__ or "").strip()
                raise BrokenError(
                    name, sentence, f"it answered {said(answered(step.told.answer))}\n      {problem}".rstrip()
                ) from None
        self.told.append(step.told)

    def _asked(self, command: AnyCommand) -> Step:
        facts = len(self._twin.log)
        foreseen = self._twin.handle(command)
        is_new = len(self._twin.log) > facts
        if not isinstance(command, SubmitMessage):
            return Step(self.told, Told(command, self._handled(command), is_new), foreseen, self._options)
        checked = tuple(self._on_trial.check(deepcopy(self._as_if_new(command))))
        told = Told(command, self._handled(command), is_new)
        return Step(self.told, told, foreseen, self._options, checked, again=self._handled(command))

    def _as_if_new(self, command: SubmitMessage) -> SubmitMessage:
        """Return the command to check: a new one gets an id of its own, so that a check that is recorded shows."""
        ids = (told.command.id for told in self.told if isinstance(told.command, SubmitMessage))
        return command if command.id in ids else replace(command, id=f"{command.id}/checked")

    def _handled(self, command: AnyCommand) -> Answer:
        """Ask with a copy, so that whoever changes what it is asked does not change the history."""
        answer = self._on_trial.handle(deepcopy(command))
        if not isinstance(answer, Answer):
            raise TypeError(f"an answer is a huissier.Answer, and no {type(answer).__name__}")
        return answer


@contextmanager
def _opened(factory: Factory) -> Iterator[Decides]:
    """Make one, and close it in the end. Raises `BrokenError` if either fails, telling what failed before as well."""
    try:
        on_trial = factory()
    except (Exception, SystemExit) as problem:
        raise BrokenError("factory", "Another one can be made.", f"making it raised {problem!r}") from problem
    try:
        yield on_trial
    except BaseException as problem:
        failed = not_closed(on_trial)
        if failed is not None and isinstance(problem, BrokenError):
            raise BrokenError(problem.name, str(problem), f"and then {failed.problem}") from problem
        raise
    if (failed := not_closed(on_trial)) is not None:
        raise failed


def not_closed(on_trial: Decides) -> BrokenError | None:
    """Close one, and return what went wrong."""
    try:
        on_trial.close()
    except (Exception, SystemExit) as problem:
        return BrokenError("close", "It can be closed.", f"closing it raised {problem!r}")
    return None


def tried(
    factory: Factory,
    history: Sequence[AnyCommand],
    options: Options | None = None,
    properties: Sequence[Property] = PROPERTIES,
) -> None:
    """Have a new one live through a history, and close it. Raises `BrokenError`."""
    with _opened(factory) as on_trial:
        trial = Trial(on_trial, options, properties)
        for command in history:
            trial.step(command)
