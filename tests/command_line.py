"""Runs the installed program as a person would."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("huissier")


def huissier(
    *arguments: str, cwd: Path, stdin: str | bytes = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `huissier` in a folder and return what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUISSIER_")}
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=cwd,
        input=stdin if isinstance(stdin, bytes) else stdin.encode(),
        capture_output=True,
        env={**clean, "NO_COLOR": "1", "COLUMNS": "120", **(env or {})},
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
