"""What docs/testing.md shows is what happens, and docs/properties.md lists what is checked."""

import re
import shlex
from pathlib import Path

import pytest
from msgspec.structs import replace

from huissier.adapters.testing.hospital import INSTANT, moment
from huissier.adapters.testing.machine import failure
from huissier.adapters.testing.properties import PROPERTIES
from huissier.adapters.testing.strategies.town import DOCTOR, HOSPITAL, SECRETARY
from huissier.adapters.testing.told import told
from huissier.adapters.testing.trial import BrokenError, tried
from huissier.domain.commands import AdmitDomain, AnyCommand, CreateMailbox, SubmitMessage, SuspendMailbox
from huissier.domain.reasons import Code
from tests.command_line import huissier
from tests.conformance.sample import letting_pass, sample
from tests.kit.engines import Ignoring
from tests.pages import agrees

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "testing.md").read_text("utf-8")
ADDRESS = "inet:127.0.0.1:10030"
SUSPENSION: list[AnyCommand] = [
    AdmitDomain(at=moment("2026-01-01"), domain=HOSPITAL, hosted=True),
    CreateMailbox(at=moment("2026-01-01"), address=SECRETARY, kind="ORG", service="urgences"),
    CreateMailbox(at=moment("2026-01-01"), address=DOCTOR, kind="PER"),
    SuspendMailbox(at=moment("2026-02-01"), address=DOCTOR, motive="absence"),
    SubmitMessage(at=moment("2026-03-01"), id="m-1", sender=SECRETARY, recipients=[SECRETARY, DOCTOR], size=10),
]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.long
def test_the_python_examples_pass_in_a_fresh_project(pytester: pytest.Pytester) -> None:
    *examples, conformance = blocks("python")
    for number, example in enumerate(examples):
        (pytester.path / f"test_example_{number}.py").write_text(example)
    with sample("postfix", pytester.path) as where:
        (pytester.path / "test_conformance.py").write_text(conformance.replace(ADDRESS, where))
        result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    outcomes = result.parseoutcomes()
    assert outcomes.keys() == {"passed"}
    assert outcomes["passed"] > 40


def test_the_transcripts_are_what_happens(tmp_path: Path) -> None:
    steps = [step for block in blocks("console") for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    with sample("postfix", tmp_path, letting_pass("CGU_NOT_SIGNED")) as where:
        for step in steps:
            command, _, shown = step.partition("\n")
            program, *arguments = shlex.split(command.replace(ADDRESS, where))
            if program == "huissier":
                to = arguments.pop() if ">" in arguments else None
                done = huissier(*(word for word in arguments if word != ">"), cwd=tmp_path)
                if to is None:
                    assert agrees(shown.rstrip(), done.stdout.rstrip())
                else:
                    (tmp_path / to).write_text(done.stdout)
    assert len(steps) == 4
    assert '"outcome":"rejected"' not in (tmp_path / "answers.jsonl").read_text()


def test_the_failure_that_is_shown_is_told() -> None:
    def make() -> Ignoring:
        return Ignoring(Code.SENDER_SUSPENDED, Code.RECIPIENT_SUSPENDED)

    with pytest.raises(BrokenError) as problem:
        tried(make, SUSPENSION)
    [shown] = blocks("text")
    assert agrees(shown.rstrip(), failure(make, SUSPENSION, None, problem.value).partition("\n\nas JSON lines")[0])


def test_a_moment_is_told_to_the_microsecond_where_it_has_any() -> None:
    before = SUSPENSION[3].at
    assert before is not None
    moments = [told([replace(SUSPENSION[3], at=at)]).partition(" suspend")[0] for at in (before, before - INSTANT)]
    assert moments == ["when 2026-02-01 00:00:00", "when 2026-01-31 23:59:59.999999"]


def test_every_property_of_every_step_stands_in_the_list() -> None:
    page = (DOCS / "properties.md").read_text("utf-8")
    rows = [f"| {str(one.__doc__).strip()} | `{one.__name__}` |" for one in PROPERTIES]
    assert "\n".join(rows) in page


def test_every_test_that_the_list_names_is_there() -> None:
    named = re.findall(r"`((?:tests|adapters)/[^`]+)`", (DOCS / "properties.md").read_text("utf-8"))
    assert named
    assert [path for path in named if not (DOCS.parent / path).is_file()] == []
