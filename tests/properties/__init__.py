"""What holds of every history. `HYPOTHESIS_PROFILE=thorough` looks at many more of them."""

import os

from hypothesis import HealthCheck, settings

_TIMES = 40 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


def histories_looked_at(usually: int) -> settings:
    """Return the settings of a property that is usually shown on so many histories."""
    return settings(
        max_examples=usually * _TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
