"""Pages of the documentation: their commands, done as a shell would do them, and whether what is shown is printed."""

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.command_line import huissier


def agrees(shown: str, printed: str) -> bool:
    """Say whether printed lines are the shown ones, where `…` stands for anything."""
    pattern = ".*".join(re.escape(part.rstrip()) for part in shown.split("…"))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


def steps(page: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a page and what is shown below it."""
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            yield command, shown


def run(command: str, folder: Path) -> str:
    """Do what a shell would do with a line of the page."""
    words, _, target = command.partition(" > ")
    program, *arguments = shlex.split(words)
    match program:
        case "cat":
            printed = "".join((folder / name).read_text() for name in arguments)
        case "sqlite3":
            with closing(sqlite3.connect(folder / arguments[0])) as connection, connection:
                connection.execute(arguments[1])
            printed = ""
        case _:
            done = huissier(*arguments, cwd=folder)
            if done.returncode:
                return done.stderr + done.stdout
            printed = done.stdout
    if target:
        (folder / target).write_text(printed)
        return ""
    return printed
