"""The program as a person or another program uses it."""

import json
import os
import pty
import resource
import subprocess
from pathlib import Path

import pytest

from huissier.adapters.cli.demo import DOCTOR, USAGER
from huissier.adapters.errors import StoreError, TemporarilyUnavailableError
from tests.command_line import PROGRAM, as_process, huissier
from tests.hospital import INS, hospital, message

SUSPEND = json.dumps({"type": "suspend-mailbox", "address": DOCTOR})
REGISTER = '{"type":"register-operator","operator":"o","kind":"usager"}\n'


def shell(line: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, check=False, timeout=60)
    return done.returncode, done.stderr.decode(errors="replace")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, float]:
    """The demo's output, the store it leaves, and the seconds of a processor it took, however busy the machine is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = as_process("demo", cwd=tmp_path_factory.mktemp("demo"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    store = next(word for word in done.stdout.split() if word.startswith("sqlite:"))
    return done.stdout, store, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_demo_tells_the_whole_story_in_under_ten_seconds(told: tuple[str, str, float]) -> None:
    output, _, seconds = told
    story = [
        "operator joins", "Avenant", "Annexe 2", "domain is admitted", "mailbox (BAL) is created",
        "Dr Martin signs the CGU",
        "espace numérique de santé opens", "too early", "CONTACT_NOT_OPENED", "Dr Martin writes to the usager",
        "is received",
        "may answer", "CONTACT_OPEN", "[FIN]", "CONTACT_ENDED", "Try next",
    ]  # fmt: skip
    places = [output.index(part) for part in story]
    assert places == sorted(places)
    assert seconds < 10


def test_what_the_demo_says_to_try_works(told: tuple[str, str, float], tmp_path: Path) -> None:
    output, _, _ = told
    tries = [line.strip() for line in output.partition("Try next:")[2].splitlines() if line.strip()]
    assert len(tries) == 3
    env = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    store = Path(told[1].removeprefix("sqlite:///"))
    copy = tmp_path / "copy.db"
    copy.write_bytes(store.read_bytes())
    copy.with_name("copy.db.key").write_bytes(store.with_name("huissier.db.key").read_bytes())
    statuses = [
        subprocess.run(
            ["bash", "-c", line.replace(str(store), str(copy))], cwd=tmp_path, env=env, capture_output=True, check=False
        ).returncode
        for line in tries
    ]
    assert statuses == [0, 0, 0]


def test_the_demos_store_is_its_owners_only_and_holds_no_ins(told: tuple[str, str, float]) -> None:
    folder = Path(told[1].removeprefix("sqlite:///")).parent
    assert folder.stat().st_mode & 0o077 == 0
    for file in folder.iterdir():
        assert USAGER[:13].encode() not in file.read_bytes()


def test_check_answers_yes_and_no_with_the_exit_status(told: tuple[str, str, float], tmp_path: Path) -> None:
    store = ("--store", told[1])
    yes = huissier("check", *store, "--from", USAGER, "--to", DOCTOR, "--at", "2022-02-03T12:00:00Z", cwd=tmp_path)
    no = huissier("check", *store, "--from", USAGER, "--to", DOCTOR, cwd=tmp_path)
    assert (yes.returncode, no.returncode) == (0, 1)
    assert "CONTACT_OPEN" in yes.stdout
    assert "CONTACT_ENDED" in no.stdout
    assert "mis fin" in no.stdout


def test_check_prints_json_for_programs(told: tuple[str, str, float], tmp_path: Path) -> None:
    arguments = ("check", "--json", "--from", USAGER, "--to", DOCTOR, "--to", "bad")
    done = huissier("--store", told[1], *arguments, cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "refused"
    assert answer["position"] is None
    assert [verdict["recipient"] for verdict in answer["verdicts"]] == [DOCTOR, "bad"]
    reason = answer["verdicts"][0]["reasons"][0]
    assert {"code", "requirement", "fr", "en", "smtp", "remedy", "facts"} == set(reason)
    assert reason["smtp"].startswith("550 5.7.1 CONTACT_ENDED ")


def test_check_makes_no_store(tmp_path: Path) -> None:
    done = huissier("check", "--from", USAGER, "--to", DOCTOR, cwd=tmp_path)
    assert done.returncode == 3
    assert "there is no store" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("check", "--from", "a", "--to", "b", "--at", "yesterday"), "--at"),
        (("check", "--from", "a"), "--to"),
        (("apply", "no-such-file"), "no-such-file"),
        (("apply", "-", "--option", "fin_header=never"), "fin_header"),
        (("apply", "-", "--option", "colour=red"), "co_recipients"),
        (
            ("apply", "-", "--option", "avenant_for_contracts_before=2020-02-01T00:00:00"),
            "avenant_for_contracts_before",
        ),
        (("whitelist", "load", "x.xml"), "--trust"),
        (("no-such-command",), "no-such-command"),
    ],
)
def test_wrong_usage_is_named_and_ends_with_status_2(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    done = huissier(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_apply_answers_line_by_line_and_ends_with_status_2_for_an_unreadable_one(tmp_path: Path) -> None:
    lines = f"{REGISTER}nonsense\n{SUSPEND}\n"
    done = huissier("apply", "-", cwd=tmp_path, stdin=lines)
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["recorded", "invalid", "rejected"]
    assert done.returncode == 2
    again = huissier("apply", "-", cwd=tmp_path, stdin=lines.replace("nonsense\n", ""))
    assert [json.loads(line)["outcome"] for line in again.stdout.splitlines()] == ["unchanged", "rejected"]
    assert again.returncode == 0
    assert (tmp_path / "huissier.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (StoreError("the disk is full"), "the disk is full; nothing after line 0 was recorded"),
        (TemporarilyUnavailableError("cut"), "cut; what stands after line 0 may be recorded or not"),
    ],
)
def test_apply_says_what_became_of_the_rest_when_the_store_fails(
    problem: StoreError, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr("huissier.adapters.deciding.engine.Engine.handle_many", broken)
    done = huissier("apply", "-", cwd=tmp_path, stdin=SUSPEND)
    assert (done.returncode, done.stdout) == (3, "")
    assert told in done.stderr


def test_the_store_comes_from_the_option_then_the_environment(tmp_path: Path) -> None:
    env = {"HUISSIER_STORE": "sqlite:///env.db"}
    huissier("apply", "-", cwd=tmp_path, stdin=REGISTER, env=env)
    huissier("--store", "sqlite:///before.db", "apply", "-", cwd=tmp_path, stdin=REGISTER, env=env)
    huissier("apply", "-", "--store", "sqlite:///behind.db", cwd=tmp_path, stdin=REGISTER, env=env)
    assert {path.name for path in tmp_path.glob("*.db")} == {"env.db", "before.db", "behind.db"}


def test_options_come_from_the_command_line_or_the_environment(told: tuple[str, str, float], tmp_path: Path) -> None:
    ens = '{"type":"erase-usager","ins":"288091234567823"}'
    strict = huissier("apply", "-", cwd=tmp_path, stdin=ens)
    for arguments, env in ((("--option", "ins_key=lenient"), {}), ((), {"HUISSIER_OPTIONS": "ins_key=lenient"})):
        lenient = huissier("apply", "-", *arguments, cwd=tmp_path, stdin=ens, env=env)
        assert "NOT_FOUND" in lenient.stdout
    assert "INS_INVALID" in strict.stdout


def test_a_foreign_file_is_an_error_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "huissier.db"
    path.write_text("my letters")
    done = huissier("apply", "-", cwd=tmp_path, stdin=SUSPEND)
    assert done.returncode == 3
    assert "not a huissier store" in done.stderr
    assert path.read_text() == "my letters"
    assert list(tmp_path.iterdir()) == [path]


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    (tmp_path / "many.jsonl").write_text(f"{SUSPEND}\n" * 3000)
    line = f"{PROGRAM} apply many.jsonl | head -n 1"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert b"Traceback" not in done.stderr
    assert b"rejected" in done.stdout


def test_a_terminal_sees_a_progress_bar_and_a_pipe_does_not(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text(f"{SUSPEND}\n" * 2000)
    piped = huissier("apply", "some.jsonl", cwd=tmp_path)
    assert piped.stderr == ""
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "apply", "some.jsonl"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=secondary
    ) as process:
        os.close(secondary)
        shown = b""
        try:
            while chunk := os.read(primary, 4096):
                shown += chunk
        except OSError:  # the terminal's other end was closed
            pass
        assert process.wait(timeout=60) == 0
    os.close(primary)
    assert b"applying" in shown


@pytest.mark.long
def test_apply_takes_a_large_file_in_constant_memory(tmp_path: Path) -> None:
    line = json.dumps({"type": "suspend-mailbox", "address": DOCTOR, "motive": "x" * 1900})
    path = tmp_path / "large.jsonl"
    with path.open("w") as file:
        for _ in range(40_000):
            file.write(line[:-1].replace(DOCTOR, "bad") + "}\n")

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (180 * 2**20, 180 * 2**20))

    assert path.stat().st_size > 70 * 2**20
    with (tmp_path / "answers").open("wb") as answers:
        done = subprocess.run(
            [PROGRAM, "apply", path], cwd=tmp_path, stdout=answers, check=False, preexec_fn=bounded, timeout=120
        )
    assert done.returncode == 0
    assert (tmp_path / "answers").read_bytes().count(b"\n") == 40_000


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert huissier("--version", cwd=tmp_path).stdout.startswith("huissier ")


def test_a_name_that_grows_past_the_limit_spoils_its_own_line_only(tmp_path: Path) -> None:
    good = '{"type":"register-operator","operator":"%s","kind":"usager"}\n'
    grown = json.dumps({"type": "suspend-mailbox", "address": DOCTOR, "motive": "\ufdfa" * 1900 + " " + INS}) + "\n"
    commas = json.dumps({"type": "admit-domain", "domain": "x.fr", "certificate_dns": [f'CN="{"," * 1500}"']}) + "\n"
    done = huissier("apply", "-", cwd=tmp_path, stdin=good % "a" + grown + commas + good % "b")
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert outcomes == ["recorded", "invalid", "invalid", "recorded"]
    assert done.returncode == 2


def test_no_message_of_the_program_repeats_an_ins(tmp_path: Path) -> None:
    for arguments in (("apply", f"{INS}.jsonl"), ("apply", "-", "--option", f"{INS}=2")):
        done = huissier(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert INS not in done.stdout + done.stderr


def test_usage_errors_repeat_no_ins(tmp_path: Path) -> None:
    code, errors = shell(f"{PROGRAM} check --from a@b.fr --to c@d.fr {INS}@patient.mssante.fr", tmp_path)
    assert code == 2
    assert INS not in errors


def test_what_the_system_refuses_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(REGISTER)
    for line, status in (
        (f"{PROGRAM} apply f > /dev/full", 3),
        (f"{PROGRAM} apply f >&-", 2),
        (f"{PROGRAM} apply - <&-", 2),
        (f"{PROGRAM} check --json --from a@b.fr --to $'x\\xff@e.f' --store sqlite:///huissier.db", 2),
        (f"PYTHONIOENCODING=latin-1 {PROGRAM} demo", 0),
    ):
        code, errors = shell(line, tmp_path)
        assert code == status, (line, errors)
        assert "Traceback" not in errors
        assert errors.count("\n") == (1 if status else 0)


def test_a_pipe_on_a_terminal_is_applied_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(REGISTER * 3000)
    primary, secondary = pty.openpty()
    line = f"{PROGRAM} apply <(cat f) > out"
    with subprocess.Popen(["bash", "-c", line], cwd=tmp_path, stderr=secondary) as process:
        os.close(secondary)
        assert process.wait(timeout=60) == 0
    os.close(primary)
    assert (tmp_path / "out").read_text().count("\n") == 3000


def test_what_only_checks_needs_no_right_to_write(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    sent = message(1)
    with hospital(f"sqlite:///{folder / 'huissier.db'}") as engine:
        engine.handle(sent)
    before = (folder / "huissier.db").read_bytes()
    asked = ("check", "--from", sent.sender, "--to", sent.recipients[0])
    done = huissier(*asked, "--store", f"sqlite:///{folder / 'huissier.db'}", cwd=tmp_path)
    assert done.returncode == 0
    assert (folder / "huissier.db").read_bytes() == before
