"""Runs the program, within the test or as a process of its own."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from huissier.adapters.cli.main import app

PROGRAM = Path(sys.executable).with_name("huissier")


class Done(NamedTuple):
    """What a run of the program came to."""

    returncode: int
    stdout: str
    stderr: str


def huissier(*arguments: str, cwd: Path, stdin: str | bytes = "", env: dict[str, str] | None = None) -> Done:
    """Run `huissier` in a folder, within this process; a bug's exception comes out."""
    clean = {name: None for name in os.environ if name.startswith("HUISSIER_")}
    surroundings: dict[str, str | None] = {**clean, "NO_COLOR": "1", "TERMINAL_WIDTH": "120", **(env or {})}
    with contextlib.chdir(cwd):
        result = CliRunner().invoke(app, arguments, input=stdin, env=surroundings)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def expect_one_line(done: Done, status: int, why: str) -> None:
    """See that nothing was printed but one line of why it ended with this status."""
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert why in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def as_process(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> Done:
    """Run the installed program as a person would."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
