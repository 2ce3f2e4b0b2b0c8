"""What the README shows is what happens."""

import contextlib
import io
import re
from pathlib import Path

from tests.command_line import huissier
from tests.pages import agrees

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def block(language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)[number])


def test_the_python_example_prints_what_the_readme_says() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block("python"), "README.md", "exec"), {})  # noqa: S102 our own page
    assert printed.getvalue() == block("text")


def test_the_python_example_has_ten_lines_of_code() -> None:
    code = [line for line in block("python").splitlines() if line.strip()]
    assert len(code) <= 13


def test_the_command_line_example_prints_what_the_readme_says(tmp_path: Path) -> None:
    steps = re.split(r"^\$ ", block("console", 1), flags=re.MULTILINE)[1:]
    assert len(steps) == 3
    statuses = []
    for step in steps:
        command, _, shown = step.partition("\n")
        program, *arguments = command.split()
        if program == "cat":
            (tmp_path / arguments[0]).write_text(shown)
            continue
        done = huissier(*arguments, cwd=tmp_path)
        statuses.append(done.returncode)
        for expected, line in zip(shown.splitlines(), done.stdout.splitlines(), strict=False):
            assert agrees(expected, line), (expected, line)
    assert statuses == [2, 1]


def test_every_page_the_readme_links_to_exists() -> None:
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target


def test_the_readme_names_every_command_the_program_has(tmp_path: Path) -> None:
    shown = huissier("--help", cwd=tmp_path).stdout
    commands = re.findall(r"^│ (\w+) ", shown, re.MULTILINE)
    assert {"apply", "audit", "bench", "check", "demo", "directory", "obligations", "projections", "stats"} < set(
        commands
    )
    for command in commands:
        assert f"`huissier {command}" in README
