"""`docs/commands.md` says what commands and answers are: its tables are those of the Structs, its examples happen.

Where a table differs, `python -m tests.docs.render_commands` writes it again.
"""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from msgspec import structs

import huissier as library
from huissier.adapters.json_lines import LONGEST_LINE
from huissier.domain.answers import Answer, Invalid
from huissier.domain.commands import AnyCommand
from tests.command_line import huissier
from tests.docs.render_commands import COMMANDS, MEANINGS, PAGE, rendered

TEXT = PAGE.read_text("utf-8")
OUTCOMES = TEXT.partition("\n## Outcomes\n")[2]


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def objects_in(text: str) -> Iterator[Any]:
    """Yield the JSON objects of a block, on a line or over several."""
    decoder, at = json.JSONDecoder(object_pairs_hook=list), 0  # as pairs: their order counts
    while at < len(text):
        found, at = decoder.raw_decode(text, at)
        yield found
        at += 1


def test_the_tables_are_those_of_the_code() -> None:
    expected = rendered(TEXT)
    assert expected == TEXT, f"run `python -m tests.docs.render_commands`; the page should be:\n{expected}"


def test_every_command_has_a_section_and_is_imported_from_the_package() -> None:
    assert set(COMMANDS) == set(get_args(AnyCommand))
    for command in COMMANDS:
        assert TEXT.count(f"\n### {command.__struct_config__.tag}\n") == 1
        assert getattr(library, command.__name__) is command


def test_no_meaning_is_of_a_field_that_there_is_not() -> None:
    fields = {field.name for command in COMMANDS for field in structs.fields(command)}
    named = {
        f"{command.__struct_config__.tag}.{field.name}" for command in COMMANDS for field in structs.fields(command)
    }
    assert {name for name in MEANINGS if "." not in name} - fields == set()
    assert {name for name in MEANINGS if "." in name and name[0].islower()} - named == set()


def test_the_page_says_how_long_a_line_may_be() -> None:
    assert f"at most {LONGEST_LINE // 2**20} MiB" in TEXT


def test_there_is_an_example_of_every_outcome() -> None:
    (answered, invalid) = (structs.fields(kind) for kind in (Answer, Invalid))
    kinds = {value for field in (*answered, *invalid) if field.name == "outcome" for value in get_args(field.type)}
    assert kinds == set(re.findall(r"^### (\w+)$", OUTCOMES, re.MULTILINE))
    for kind in kinds:
        section = OUTCOMES.partition(f"\n### {kind}\n")[2].partition("\n### ")[0]
        (shown,) = blocks("json", section)
        assert {dict(answer)["outcome"] for answer in objects_in(shown)} == {kind}


def test_every_example_is_answered_as_the_page_shows(tmp_path: Path) -> None:
    (tmp_path / "commands.jsonl").write_text("".join(blocks("jsonl", OUTCOMES)))
    done = huissier("apply", "commands.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    shown = [answer for block in blocks("json", OUTCOMES) for answer in objects_in(block)]
    assert list(objects_in(done.stdout)) == shown


def test_the_examples_in_python_print_what_the_page_shows() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n".join(blocks("python")), "commands.md", "exec"), {})  # noqa: S102 our own page
    assert printed.getvalue() == "".join(blocks("text"))
