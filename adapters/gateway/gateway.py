"""What the sessions of one gateway share: the engine, how they ask, and who looks on."""

from huissier.adapters.deciding.async_engine import AsyncEngine
from huissier.adapters.gateway.transaction import NOBODY_KNOWN, Peer, Policy, Transaction
from huissier.adapters.gateway.watching import UNWATCHED, Watch


class Gateway:
    """Begins transactions. `policy` may be replaced at any time: it holds for messages that begin after."""

    def __init__(self, engine: AsyncEngine, policy: Policy, watch: Watch = UNWATCHED) -> None:
        """Take an open engine, which the caller closes."""
        self.policy = policy
        self.watch = watch
        self._engine = engine

    def begin(self, key: str, sender: str, peer: Peer = NOBODY_KNOWN) -> Transaction:
        """Begin a message; a certificate says nothing about a sender whose mailbox is here."""
        if self.policy.hosts(sender):
            peer = Peer(login=peer.login)
        return Transaction(self._engine, self.policy, key, sender, peer, self.watch)
