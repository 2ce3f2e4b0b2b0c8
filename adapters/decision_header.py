"""The header in which a milter names a message's submission, for whoever looks for it later."""

from typing import Final

DECISION_HEADER: Final = "X-Huissier-Decision"  # its usual name; a gateway may call it otherwise
