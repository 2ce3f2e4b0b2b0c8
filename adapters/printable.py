"""Text to be shown: it stays on its line and moves no terminal's cursor."""


def printable(text: str) -> str:
    """Return the text on one line, with escapes in place of what is not printable."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
