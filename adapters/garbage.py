"""How often a process of ours runs the garbage collector."""

import gc


def look_seldom() -> None:
    """Have Python look for reference cycles rarely, for the rest of the process.

    Facts are freed without that, and looking at them while they are in use finds nothing: it took a tenth of an
    import's time. Only our own processes do this: whoever embeds the engine decides for theirs.
    """
    gc.set_threshold(50_000, 10, 10)
