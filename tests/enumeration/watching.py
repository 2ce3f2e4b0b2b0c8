"""An exchange that notes what is looked at: the slots a rule has read are all that its answer can rest on."""

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from huissier.domain.contact import Contact
from huissier.domain.home import Home
from huissier.domain.mailbox import Mailbox
from huissier.domain.operator import Operator
from huissier.domain.rule_set import Options, RuleSet
from huissier.domain.rules import Exchange, Party
from huissier.domain.trust_space import AdmittedDomain

_MADE_OF_SLOTS = (Exchange, Party, Home, AdmittedDomain, Operator, Mailbox, Contact, RuleSet, Options)


class _Watched:
    """Stands for a part of an exchange; its methods and properties run on itself, so that nothing is read unseen."""

    def __init__(self, it: Any, path: str, seen: dict[str, None]) -> None:
        self._it, self._path, self._seen = it, path, seen

    def __getattr__(self, name: str) -> Any:
        kind = vars(type(self._it))[name]
        if isinstance(kind, property) and kind.fget is not None:
            return kind.fget(self)
        if isinstance(kind, FunctionType):
            return MethodType(kind, self)
        value, path = getattr(self._it, name), _slot(f"{self._path}{name}")
        if isinstance(value, _MADE_OF_SLOTS):
            return _Watched(value, f"{path}.", self._seen)
        self._seen[path] = None
        return value


def _slot(path: str) -> str:
    """Name a slot: both homes are under the same rules and at the same moment as the message."""
    _, _, rest = path.partition(".home.")
    return rest if rest in ("rules", "at") else path.replace(".home.", ".")


def watched(rule: Callable[[Exchange], Any], x: Exchange) -> tuple[Any, list[str]]:
    """Return what a rule says of an exchange and the slots it read, in the order it read them."""
    seen: dict[str, None] = {}
    stand_in: Any = _Watched(x, "", seen)
    return rule(stand_in), list(seen)
