"""An answer, whatever the protocol, and what a check may demand of it."""

from typing import Literal, NamedTuple

from huissier.adapters.conformance.wire import FoundError

Kind = Literal["pass", "refuse", "defer", "other"]


class Heard(NamedTuple):
    """An answer: what it comes to, and its words."""

    kind: Kind
    text: str

    def passes(self) -> None:
        """Demand that it lets pass. Raises `FoundError`."""
        self._is("pass", "let through")

    def refuses(self, *codes: str) -> None:
        """Demand a refusal, `550 5.7.1 CODE …`, with one of `codes` where any are given. Raises `FoundError`."""
        named = " or ".join(codes) or "CODE"
        self._is("refuse", f"refused with {named}" if codes else "refused")
        words = self.text.split(" ")
        if words[:2] != ["550", "5.7.1"] or (codes and {*words[2:3]}.isdisjoint(codes)):
            raise FoundError(f"should be refused with 550 5.7.1 {named}, but was answered {self.text!r}")

    def defers(self) -> None:
        """Demand that it has the sender try later. Raises `FoundError`."""
        self._is("defer", "deferred")

    def does_not_pass(self) -> None:
        """Demand that it refuses or defers. Raises `FoundError`."""
        if self.kind not in ("refuse", "defer"):
            raise FoundError(f"should be refused or deferred, but was answered {self.text!r}")

    def _is(self, kind: Kind, word: str) -> None:
        if self.kind != kind:
            raise FoundError(f"should be {word}, but was answered {self.text!r}")
