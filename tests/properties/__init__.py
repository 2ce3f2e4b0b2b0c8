"""What holds of every history. `HYPOTHESIS_PROFILE=thorough` looks at many more of them.

Every history is drawn anew: by default Hypothesis makes five of six examples by changing a part of the one before,
and two histories that differ in one command hardly find what one of them did not.
"""

import os

from hypothesis import HealthCheck, settings

_TIMES = 40 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def histories_looked_at(usually: int) -> settings:
    """Return the settings of a property that is usually shown on so many histories."""
    return settings(
        max_examples=usually * _TIMES,
        deadline=None,
        backend="hypothesis-urandom",
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
