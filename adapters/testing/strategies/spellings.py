"""Spellings of an address: those of the same mailbox, and those of another or of none."""

from collections.abc import Callable, Sequence
from typing import Final

from hypothesis import strategies as st

from huissier.adapters.testing.strategies.town import DOCTOR, HOSPITAL, LIBERAL


def _before_at(change: Callable[[str], str]) -> Callable[[str], str]:
    def spell(address: str) -> str:
        local, at, domain = address.partition("@")
        return change(local) + at + domain

    return spell


SAME_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (str.upper, lambda a: f"{a}.", str.title)
OTHER_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (
    _before_at(lambda local: f"{local}+suivi"),
    _before_at(lambda local: f'"{local}"'),
    _before_at(lambda local: f"{local}%{HOSPITAL}"),
    _before_at(lambda local: f"{HOSPITAL}!{local}"),
    _before_at(lambda local: local.replace("a", "а").replace("1", "１")),  # Cyrillic, full width
    _before_at(lambda local: " ".join((local[:1], local[1:3], local[3:5], local[5:]))),
    _before_at(lambda local: f"{local}."),
    _before_at(lambda local: local[:13]),
    lambda address: f" {address}",
    lambda address: f"{address}\n",
    lambda address: f"<{address}>",
    lambda address: f"Docteur <{address}>",
    lambda address: f"@{LIBERAL}:{address}",
    lambda address: f"{address}@{LIBERAL}",
    lambda address: f"{address}..",
    lambda address: address.partition("@")[0],
    lambda address: f"{address}, {DOCTOR}",
    lambda _: "",
)


def _spell(address: str, change: Callable[[str], str]) -> str:
    return change(address)


def spelled(addresses: Sequence[str], odd: int = 1) -> st.SearchStrategy[str]:
    """One of the addresses; `odd` times in twelve spelled in another way, which may no longer mean the same mailbox."""
    plain = st.sampled_from(addresses)
    strange = st.builds(_spell, plain, st.sampled_from((*SAME_SPELLINGS, *OTHER_SPELLINGS)))
    return st.integers(0, 11).flatmap(lambda n: strange if n >= 12 - odd else plain)
