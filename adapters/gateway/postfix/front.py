"""The policy service as the server runs it."""

from huissier.adapters.gateway.gateway import Gateway
from huissier.adapters.gateway.postfix.session import PolicySession
from huissier.adapters.gateway.postfix.underway import Underway
from huissier.adapters.gateway.settings import Settings


class PostfixFront:
    """Makes one session per connection; all of them share what is under way."""

    def __init__(self, gateway: Gateway) -> None:
        """Start with nothing under way."""
        self._gateway = gateway
        self._underway = Underway(gateway.watch)

    def new_session(self) -> PolicySession:
        """Return the session of a new connection."""
        return PolicySession(self._gateway, self._underway)

    def follow(self, settings: Settings) -> None:
        """Do nothing: the gateway itself follows all settings that count here."""
