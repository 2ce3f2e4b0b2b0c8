"""Judges a run of mutmut: `uv run mutmut run && uv run python -m tests.mutation.check`.

It fails where a mutant survived that `explained.toml` does not explain, where one is explained that is not among the
survivors (any more), and where a mutant was not tried.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]


class Survivor(NamedTuple):
    """A change that no test noticed: the function it is in, and what stands there instead."""

    function: str
    change: str


def main() -> None:
    """Print the score and what is wrong with it; the exit status is 1 where something is."""
    counts, results = _counts(), _mutmut("results").splitlines()
    found, too_slow = _ended(results, "survived"), _ended(results, "timeout")  # on a busy machine any may be too slow
    known = _explained()
    killed = counts["killed"] + counts["timeout"]
    not_tried = counts["total"] - killed - counts["survived"]
    print(f"{killed} of {counts['total']} mutants killed ({killed / counts['total']:.1%}), {len(known)} explained")  # noqa: T201
    wrong = [f"not explained: {each.function}: {each.change}" for each in found - known]
    wrong += [f"explained, and no survivor: {each.function}: {each.change}" for each in known - found - too_slow]
    wrong += [f"{not_tried} mutants were not tried"] if not_tried else []
    print("\n".join(sorted(wrong)))  # noqa: T201
    sys.exit(bool(wrong))


def _ended(results: list[str], how: str) -> set[Survivor]:
    return {_shown(line.partition(":")[0].strip()) for line in results if line.endswith(f": {how}")}


def _counts() -> dict[str, int]:
    _mutmut("export-cicd-stats")
    counts: dict[str, int] = json.loads((_ROOT / "mutants" / "mutmut-cicd-stats.json").read_text("utf-8"))
    return counts


def _explained() -> set[Survivor]:
    listed = tomllib.loads(Path(__file__).with_name("explained.toml").read_text("utf-8"))["survivor"]
    return {Survivor(each["function"], each["change"]) for each in listed if each["why"]}


def _shown(name: str) -> Survivor:
    lines = [line for line in _mutmut("show", name).splitlines() if not line.startswith(("---", "+++"))]
    added = [line[1:].strip() for line in lines if line.startswith("+")]
    removed = [line[1:].strip() for line in lines if line.startswith("-")]
    return Survivor(name.partition("__mutmut_")[0], " ".join(added or removed))


def _mutmut(*arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
