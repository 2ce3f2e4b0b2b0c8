"""What can go wrong outside the rules; a refusal is never an exception."""


class HuissierError(Exception):
    """Anything huissier raises on purpose; the message carries no personal data."""


class UnreadableError(HuissierError, ValueError):
    """What was given cannot be read; the message names the place."""


class RefusedError(HuissierError):
    """What was asked was refused because of what was found; nothing was changed or signed."""


class InvalidCommandError(UnreadableError):
    """A command is malformed."""


class EngineClosedError(HuissierError):
    """The engine was closed."""


class StoreError(HuissierError):
    """The store cannot be used; nothing was recorded."""


class ForeignStoreError(StoreError):
    """The file or database is not a huissier store; it was left untouched."""


class CorruptStoreError(StoreError):
    """The store is damaged; it was left untouched."""


class StoreVersionError(StoreError):
    """The store was written by another version of huissier; it was left untouched."""


class VaultKeyError(StoreError):
    """The vault's key is missing, malformed, or not this store's."""


class WhiteListError(RefusedError, ValueError):
    """A white list is not one, is not signed as it must be, or is too old; nothing was changed."""


class UnreadableWhiteListError(WhiteListError, UnreadableError):
    """The file of a white list, or of who is trusted to sign it, cannot be read."""


class UnreadableEvidenceError(UnreadableError):
    """A key, note, checkpoint or proof is malformed."""


class TemporarilyUnavailableError(StoreError):
    """The store did not answer in time, or its answer was lost; asking again with the same id is safe."""


class ArchiveError(HuissierError):
    """An archive cannot be read, or not be written to; nothing that stood there was changed."""


class DamagedArchiveError(ArchiveError):
    """An archive is not what was exported, from a position on."""

    def __init__(self, what: str, position: int) -> None:
        """Say what is wrong at the first bad position."""
        super().__init__(what, position)
        self.what = what
        self.position = position

    def __str__(self) -> str:
        return f"position {self.position}: {self.what}"
