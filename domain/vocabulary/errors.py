"""What parsing a word of the vocabulary can raise."""


class VocabularyError(ValueError):
    """A text is not the word it was taken for; the message says why and never repeats the text."""
