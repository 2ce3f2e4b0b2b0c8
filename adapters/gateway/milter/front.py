"""The mail filter as the server runs it."""

from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.milter.session import MilterSession
from huissier.adapters.gateway.settings import MilterSection, Settings


class MilterFront:
    """Makes one session per connection."""

    def __init__(self, gateway: Gateway) -> None:
        """Start with what settings say by default."""
        self._gateway = gateway
        self._section = MilterSection()

    def new_session(self) -> MilterSession:
        """Return the session of a new connection."""
        return MilterSession(self._gateway, self._section)

    def follow(self, settings: Settings) -> None:
        """Take other settings, for connections from now on: a connection agrees on edits when it begins."""
        self._section = settings.milter
