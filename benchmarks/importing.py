"""Time of `import huissier`, of the engine behind it, and of `huissier --help`, against a bare interpreter.

Each is a new process, timed from outside, with compiled files in place and the system's cache warm. The import
alone is what remains when the bare interpreter's time is subtracted, round by round.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Report, arguments
from huissier.adapters.bench.turns import Figure, Lap, each, lap, take_turns

PROGRAM = Path(sys.executable).with_name("huissier")
BARE = "python -c pass"
PLAIN = "import huissier"
ENGINE = "import huissier; huissier.Engine"
HELP = "huissier --help"
SHOWN = 8


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    options = arguments(__doc__, rounds=9).parse_args(argv)
    commands = {
        BARE: [sys.executable, "-c", "pass"],
        PLAIN: [sys.executable, "-c", "import huissier"],
        ENGINE: [sys.executable, "-c", "import huissier; huissier.Engine"],
    }
    notes = [f"dearest modules of `{statement}`: {_dearest(statement)}" for statement in (PLAIN, ENGINE)]
    if _succeeds([str(PROGRAM), "--help"]):
        commands[HELP] = [str(PROGRAM), "--help"]
    else:
        notes.append("huissier --help does not run: left out")
    contestants = {name: _running(command) for name, command in commands.items()}
    found = take_turns(contestants, 1 if options.quick else options.rounds)
    figures = [each(name, rounds) for name, rounds in found.items()]
    bare = figures[0]
    alone = [Figure(f"{f.name}, alone", "ms", _less(f, bare)) for f in figures[1:]]
    ratios = [figure.over(bare, f"{figure.name} / {BARE}") for figure in figures[1:]]
    Report("uv run python -m benchmarks.importing", ratios, [*figures, *alone], notes).show(as_json=options.json)


def _running(command: list[str]) -> Callable[[], Lap]:
    return lambda: lap(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), 1)


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _less(figure: Figure, bare: Figure) -> tuple[float, ...]:
    return tuple(a - b for a, b in zip(figure.values, bare.values, strict=True))


def _dearest(statement: str) -> str:
    """Name the modules that themselves take longest to import, as `-X importtime` says."""
    command = [sys.executable, "-X", "importtime", "-c", statement]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    rows = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")]
    own = sorted(((int(own), name.strip()) for own, _, name in rows[1:]), reverse=True)
    return ", ".join(f"{name} {microseconds / 1000:.1f} ms" for microseconds, name in own[:SHOWN])


if __name__ == "__main__":
    main()
