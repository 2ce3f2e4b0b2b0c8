"""How strategies are weighed against each other; what is usual comes first, so that shrinking ends there."""

from typing import Any

from hypothesis import strategies as st


def often(usually: st.SearchStrategy[Any], seldom: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of two, the first three times out of four."""
    return st.integers(0, 3).flatmap(lambda n: seldom if n == 3 else usually)


def perhaps(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nothing, three times out of four."""
    return often(st.none(), strategy)


def any_of(*kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Each as likely as the others, whatever they are made of: `one_of` would count the parts of those it can split."""
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)
