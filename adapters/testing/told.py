"""Histories as people read them, for when a property fails."""

from collections.abc import Iterable
from typing import Any

import msgspec

from huissier.domain.commands import AnyCommand


def told(history: Iterable[AnyCommand], answers: Iterable[object] = ()) -> str:
    """Return a history as people read it: given what was said, each with what it came to where that is known."""
    lines = [f"given {_sentence(command)}" for command in history]
    for place, answer in enumerate(answers):
        lines[place] += f"\n      then {_answered(answer)}"
    if lines:
        lines[-1] = lines[-1].replace("given", "when", 1)
    return "\n".join(lines)


def _sentence(command: AnyCommand) -> str:
    said = msgspec.structs.asdict(command)
    at = said.pop("at")
    defaults = dict(zip(command.__struct_fields__[::-1], command.__struct_defaults__[::-1], strict=False))
    words = (f"{name}={value!r}" for name, value in said.items() if value != [] and value != defaults.get(name, ...))
    return f"{at:%Y-%m-%d %H:%M:%S} {command.__struct_config__.tag} {' '.join(words)}"


def _answered(answer: Any) -> str:
    codes = [getattr(reason, "code", reason) for reason in getattr(answer, "reasons", None) or answer.codes]
    verdicts = [
        f"{verdict.recipient!r} {verdict.outcome}"
        f" {' '.join(str(getattr(r, 'code', r)) for r in getattr(verdict, 'reasons', None) or verdict.codes)}"
        for verdict in answer.verdicts
    ]
    return f"{answer.outcome} {' '.join(map(str, codes))} {'; '.join(verdicts)}".rstrip()
