"""The integrators' kit: our tests, for your engines and gateways. `pip install huissier[testing]`.

    from huissier.adapters.testing import policy_machine

    TestMyEngine = policy_machine(lambda: MyEngine())

See docs/testing.md. Everything is imported where it is first asked for, since pytest loads the plugin in every run.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huissier.adapters.testing.machine import policy_machine
    from huissier.adapters.testing.reference.twin import Twin

__all__ = ["Twin", "policy_machine"]


def __getattr__(name: str) -> Any:
    """Import a name only when it is asked for; Hypothesis comes with `policy_machine`."""
    if name == "policy_machine":
        from huissier.adapters.testing.machine import policy_machine

        return policy_machine
    if name == "Twin":
        from huissier.adapters.testing.reference.twin import Twin

        return Twin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
