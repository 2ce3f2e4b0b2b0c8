"""What is sound is found sound: in this process, as pytest tests, and as `huissier serve` and the program have it."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from huissier.adapters.conformance.checks import Protocol
from huissier.adapters.testing.conformance import conformance_tests
from tests.command_line import PROGRAM
from tests.command_line import huissier as run
from tests.conformance.sample import How, letting_pass, sample
from tests.gateway.service import Service

SETTINGS = """
[gateway]
hosted = [
    "ch-exemple.mssante.fr", "clinique.mssante.fr", "polyclinique.mssante.fr", "maternite.mssante.fr",
    "patient.mssante.fr"
]
final_hop = true
[postfix]
listen = ["unix:postfix.sock"]
[milter]
listen = ["unix:milter.sock"]
"""
PROTOCOLS: tuple[Protocol, ...] = ("postfix", "milter")
_where: dict[Protocol, str] = {}


@pytest.fixture(scope="module", autouse=True)
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for protocol in PROTOCOLS:
            folder = tmp_path_factory.mktemp(protocol)
            _where[protocol] = stack.enter_context(sample(protocol, folder))
        yield


test_our_policy_service_conforms = conformance_tests("postfix", lambda: _where["postfix"], sessions=30)
test_our_milter_conforms = conformance_tests("milter", lambda: _where["milter"], sessions=30)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_served_conforms(protocol: Protocol, tmp_path: Path) -> None:
    world = run("conformance", "world", cwd=tmp_path)
    assert run("apply", "-", cwd=tmp_path, stdin=world.stdout).returncode == 0
    (tmp_path / "gateway.toml").write_text(SETTINGS)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUISSIER_")}
    command = [str(PROGRAM), "serve", protocol, "--config", "gateway.toml"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, env=clean) as process:
        try:
            service = Service(process)
            service.until("listening")
            reads = threading.Thread(target=service.until, args=("ended",))  # a log nobody reads blocks
            reads.start()
            try:
                done = run(
                    "conformance", protocol, "--connect", f"unix:{protocol}.sock", "--sessions", "20", cwd=tmp_path
                )
            finally:
                process.terminate()
                reads.join()  # before the log is closed under its reader
        finally:
            process.terminate()
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert done.stdout.splitlines()[-1].endswith("checks hold")


def test_a_failure_names_what_it_breaks_as_text_and_as_json(tmp_path: Path) -> None:
    only = ("--only", "cgu-are-signed-before-sending", "--only", "a-usager-does-not-start")
    with sample("postfix", tmp_path, letting_pass("CGU_NOT_SIGNED")) as where:
        shown = run("conformance", "postfix", "--connect", where, *only, cwd=tmp_path)
        lines = run("conformance", "postfix", "--connect", where, *only, "--json", cwd=tmp_path)
    assert (shown.returncode, lines.returncode) == (1, 1)
    assert "FAIL  cgu-are-signed-before-sending\n" in shown.stdout
    assert "      breaks: EX_DCU_5010, rule 10: " in shown.stdout
    assert shown.stdout.endswith("1 of 2 checks hold\n")
    found = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [finding["problem"] is None for finding in found] == [True, False]
    assert found[1]["requirement"].startswith("EX_DCU_5010, ")


def test_who_does_not_answer_is_waited_for_no_longer_than_was_said(tmp_path: Path) -> None:
    with sample("postfix", tmp_path, How(answered=lambda _: b"")) as where:
        asked = ("--connect", where, "--only", "a-usager-does-not-start", "--timeout", "0.5")
        done = run("conformance", "postfix", *asked, cwd=tmp_path)
    assert done.returncode == 1
    assert "no answer within 0.5 seconds" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--connect", "unix:nowhere.sock"), "--connect: unix:nowhere.sock: No such file or directory"),
        (("--connect", "somewhere"), "--connect: 'somewhere' is not an address"),
        (("--connect", "inet:..:25"), "--connect: inet:..:25: cannot be connected to"),
        (("--connect", "unix:x", "--only", "no-such"), "--only: no check is called no-such"),
    ],
)
def test_what_cannot_be_asked_is_said(arguments: tuple[str, ...], problem: str, tmp_path: Path) -> None:
    done = run("conformance", "milter", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert problem in done.stderr


def test_the_world_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (run("conformance", "world", cwd=tmp_path).stdout for _ in range(2))
    assert first == second
