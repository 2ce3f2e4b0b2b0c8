"""What holds for a milter that names its decision in a header of the message. A milter need not do so."""

from huissier.adapters.conformance.checks import Check, Checks
from huissier.adapters.conformance.milter import MilterClient, offer
from huissier.adapters.conformance.wire import ClosedError, Connection, FoundError
from huissier.adapters.testing.hospital import DOCTOR, SURGEON


def decision_header_checks(name: str) -> list[Check]:
    """Return the checks about a header of this name; both hold for a milter that adds none."""
    checks = Checks("milter")

    @checks("contract: what comes in under the decision header's name is removed")
    def a_forged_decision_header_is_removed(server: MilterClient) -> None:
        """A milter that adds a decision header removes what came in under its name (a change to nothing, for each)."""
        edits = _edits(server, name, name.lower())
        removed = [data for letter, data in edits if letter == "m" and data.endswith(b"\0\0")]
        if _adds(edits, name) and len(removed) != 2:
            raise FoundError(f"{len(removed)} of 2 forged headers were removed")

    @checks("contract: a server that cannot edit headers is not agreed with where a decision header is needed")
    def a_server_that_cannot_edit_headers_is_not_agreed_with(server: MilterClient) -> None:
        """A milter that adds a decision header closes the connection where it could not: half a filter is none."""
        if not _adds(_edits(server), name):
            return
        with Connection(server.address, server.seconds) as connection:
            connection.tell(offer(actions=0))
            try:
                letter, _ = connection.packet()
            except ClosedError:
                return
            raise FoundError(f"the offer was answered {letter!r}")

    return checks.all


def _edits(server: MilterClient, *forged: str) -> list[tuple[str, bytes]]:
    """Return the milter's edits of a message that passes and came with headers of these names."""
    with server.session() as session:
        session.begin(DOCTOR)
        session.recipient(SURGEON).passes()
        session.end(headers=[(name, "forged") for name in forged]).passes()
        return session.edits


def _adds(edits: list[tuple[str, bytes]], name: str) -> bool:
    """Say whether a header of this name is added (`h`, name, value) or inserted (`i`, four bytes that say where, …)."""
    told = name.lower().encode("utf-8", "surrogateescape") + b"\0"
    return any(data[4 * (letter == "i") :].lower().startswith(told) for letter, data in edits if letter in "hi")
