"""What can be wrong with evidence: it cannot be read, or it can and speaks against the log."""

from huissier.adapters.errors import HuissierError


class UnreadableEvidenceError(HuissierError):
    """A key, note, checkpoint or proof is malformed; the message names the place."""


class RefusedError(HuissierError):
    """A checkpoint, proof or log is not what it should be; nothing was signed."""
