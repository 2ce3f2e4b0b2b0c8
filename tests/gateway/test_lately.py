"""Whether the store could record lately: known from what was asked of it, for a while."""

from huissier import SubmitMessage
from huissier.adapters.errors import StoreError
from huissier.adapters.gateway.lately import SECONDS, Lately
from huissier.adapters.gateway.replies import PASS, Reply

COMMAND = SubmitMessage(id="m", sender="a@b.fr", recipients=["c@b.fr"])


def test_what_failed_counts_until_something_is_recorded_or_some_time_has_passed() -> None:
    now = [0.0]
    lately = Lately(lambda: now[0])
    assert not lately.has_failed
    lately.failed(KeyError())
    assert not lately.has_failed
    lately.failed(StoreError())
    assert lately.has_failed
    lately.decided(COMMAND, PASS, 0.1, None)
    assert lately.has_failed
    lately.decided(COMMAND, Reply("pass", decision="m"), 0.1, None)
    assert not lately.has_failed
    lately.failed(StoreError())
    now[0] = SECONDS
    assert not lately.has_failed
