"""Shortens a history that fails, command by command.

Hypothesis would draw it again, choice by choice, which takes minutes where this takes seconds.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import NODEFAULT, structs

from huissier.domain.commands import AnyCommand
from huissier.domain.rule_set import Options
from huissier.domain.vocabulary.errors import VocabularyError

Fails = Callable[[list[AnyCommand], Options], bool]


def shortest(history: list[AnyCommand], options: Options, fails: Fails) -> tuple[list[AnyCommand], Options]:
    """Return a history that still fails, but would not with a command left out or said in fewer words.

    Options that do not matter come back at their default.
    """
    again = True
    while again:
        again = False
        for shorter in _shorter(history):
            if fails(shorter, options):
                history, again = shorter, True
                break
    for field in structs.fields(Options):
        plainer = structs.replace(options, **{field.name: field.default})
        options = plainer if fails(history, plainer) else options
    for place in range(len(history)):
        for plainer_command in _plainer(history[place]):
            said = [*history[:place], _with(history[place], plainer_command), *history[place + 1 :]]
            history = said if said != history and fails(said, options) else history
    return history, options


def _shorter(history: list[AnyCommand]) -> Iterator[list[AnyCommand]]:
    for left_out in (16, 8, 4, 2, 1):
        for start in range(0, len(history), left_out):
            yield history[:start] + history[start + left_out :]


def _plainer(command: AnyCommand) -> Iterator[dict[str, Any]]:
    """Yield ways to say less: one recipient, or a word left out that need not be there. Its time stays."""
    for recipient in getattr(command, "recipients", ())[:20]:
        yield {"recipients": [recipient]}
    for field in structs.fields(type(command)):
        if not field.required and field.name != "at":
            default = field.default if field.default_factory is NODEFAULT else field.default_factory()
            yield {field.name: default}


def _with(command: AnyCommand, words: dict[str, Any]) -> AnyCommand:
    try:
        return structs.replace(command, **words)
    except VocabularyError:  # a field that another one needs
        return command
