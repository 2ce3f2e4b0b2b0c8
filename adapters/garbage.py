"""How often a process of ours looks through all it has made for garbage."""

import gc


def look_seldom() -> None:
    """Have Python look for cycles seldom, for the rest of the process.

    What many facts are made of is freed without that, and each look at it while it is in use is for nothing: they took
    a tenth of an import. Who embeds the engine decides about that.
    """
    gc.set_threshold(50_000, 10, 10)
