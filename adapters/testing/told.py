"""Histories as people read them, for when a property fails."""

from collections.abc import Iterable

import msgspec

from huissier.adapters.testing.properties import said
from huissier.adapters.testing.reference.twin import TwinAnswer
from huissier.domain.commands import AnyCommand


def told(history: Iterable[AnyCommand], answers: Iterable[TwinAnswer] = ()) -> str:
    """Return a history as people read it, given/when/then: each command, and what it came to where that is known."""
    lines = [f"given {_sentence(command)}" for command in history]
    for place, answer in enumerate(answers):
        lines[place] += f"\n      then {said(answer)}"
    if not lines:
        return "when nothing is said"
    lines[-1] = lines[-1].replace("given", "when", 1)
    return "\n".join(lines)


def _sentence(command: AnyCommand) -> str:
    fields = msgspec.structs.asdict(command)
    at = fields.pop("at")
    defaults = dict(zip(command.__struct_fields__[::-1], command.__struct_defaults__[::-1], strict=False))
    words = (f"{name}={value!r}" for name, value in fields.items() if value != [] and value != defaults.get(name, ...))
    moment = f"{at:%Y-%m-%d %H:%M:%S.%f}" if at.microsecond else f"{at:%Y-%m-%d %H:%M:%S}"
    return f"{moment} {command.__struct_config__.tag} {' '.join(words)}"
