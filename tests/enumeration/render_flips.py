"""Writes `docs/rule-changes.md` from the code: `python -m tests.enumeration.render_flips`."""

from pathlib import Path
from typing import Final

from tests.enumeration.flips import flips, named

PAGE: Final = Path(__file__).parents[2] / "docs" / "rule-changes.md"
CHANGES: Final = (
    ("1.3.1", "1.4"),
    ("1.4", "1.4+mixed-recipients"),
    ("1.4+mixed-recipients", "1.4+pharmacies"),
    ("1.4+pharmacies", "1.4+pharmacies reopening=False"),
    ("1.4+pharmacies", "1.4+pharmacies cgu_signature=any-version"),
    ("1.4+pharmacies", "1.4+pharmacies uncommitted_operators=no-mail"),
)
_HEAD: Final = """# What changes from one rule set to another

Written by `python -m tests.enumeration.render_flips`, and checked by a test. For any two rule sets, also from a file:

```console
$ uv run python -m tests.enumeration.flips "1.4+pharmacies" "1.4+pharmacies withdrawal_grace_days=30"
$ uv run python -m tests.enumeration.flips 1.4 mine --file rules.toml
```

Every combination of facts that one accepts and the other refuses is listed here, under the most decisive reasons. A
fact that is not named may be anything that does not speak against the message. Combinations may overlap. Why there are
no others: [enumeration.md](enumeration.md). Options that give no verdict (`fin_header`, `co_recipients`), read
addresses (`ins_key`) or let refusals pass (`shadow_…`) are not listed. `huissier audit what-if` shows what other rules
would have made of your own log.
"""


def rendered() -> str:
    """Return the page as the code has it now."""
    return "\n".join([_HEAD, *(part(one, other) for one, other in CHANGES)])


def part(one: str, other: str) -> str:
    """Return what changes between two rule sets."""
    lines = [f"## {one} → {other}\n"]
    for flip in flips(named(one), named(other)):
        lines.append(f"- {flip.said}")
        lines += [f"  - {name}: {words}" for name, words in flip.told().items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(rendered(), "utf-8")
