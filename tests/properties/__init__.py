"""What holds of every history. `HYPOTHESIS_PROFILE=thorough` looks at many more of them.

Two things differ from Hypothesis as it comes. Every history is drawn anew: by default five of six examples are the
one before with a part changed, and that seldom finds what the one before did not. And a history that fails is made
shorter here, command by command, which takes seconds where shrinking it draw by draw takes minutes.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from huissier.adapters.testing.shrinking import shortest
from huissier.adapters.testing.told import told
from huissier.domain.commands import AnyCommand
from huissier.domain.rule_set import Options

IN_CI = "CI" in os.environ  # where examples are the same every time, so that a change is judged and not luck
_TIMES = 80 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def histories_looked_at(usually: int) -> settings:
    """Return the settings of a property that is usually shown on so many histories."""
    return settings(
        max_examples=usually * _TIMES,
        deadline=None,
        backend="hypothesis" if IN_CI else "hypothesis-urandom",
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def told_shortly(test: Callable[..., None]) -> Callable[..., None]:
    """Let a property that fails on its `history` and `options` fail on the shortest that can be had from them."""

    @functools.wraps(test)
    def shown(*, history: list[AnyCommand], options: Options, **others: Any) -> None:
        try:
            test(history=history, options=options, **others)
        except Exception as problem:
            kind = type(problem)
        else:
            return

        def fails(shorter: list[AnyCommand], plainer: Options) -> bool:
            return _fails(test, kind, {"history": shorter, "options": plainer, **others})

        history, options = shortest(history, options, fails)
        try:
            test(history=history, options=options, **others)
        except kind as problem:
            if "\nwhen " not in str(problem):  # it does not tell the history itself
                problem.add_note(f"{told(history)}\nunder the options {options.differences() or 'by default'}")
            raise

    return shown


def _fails(test: Callable[..., None], kind: type[Exception], arguments: dict[str, Any]) -> bool:
    try:
        test(**arguments)
    except kind:
        return True
    return False
