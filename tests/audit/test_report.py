"""`huissier audit report`: the facts that are meant, each decision explained, what is proved, and no INS."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import huissier as library
from huissier.adapters.audit.report import words as words_module
from huissier.adapters.audit.report.evidence import Evidence
from huissier.adapters.audit.report.french import FRENCH
from huissier.adapters.audit.report.page import page_of
from huissier.adapters.audit.report.reporting import Report
from huissier.adapters.audit.report.subject import Subject
from huissier.adapters.audit.telling import Language
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.log.pen import Reading
from huissier.adapters.printable import printable
from huissier.adapters.testing import hospital as w
from huissier.adapters.testing.strategies import histories, options
from huissier.domain.commands import AnyCommand, CreateMailbox, EraseUsager, SubmitMessage, SuspendMailbox
from huissier.domain.reasons import TABLE
from huissier.domain.vocabulary.ins import mentions_ins
from tests.command_line import Done, huissier
from tests.evidence.at_hand import checkpoint, signer

HOLDS_INS = f"mail of {w.ins(1)}"
TAGS = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "a", "header", "main", "section", "footer", "div", "span"),
        *("h1", "h2", "h3", "h4", "p", "strong", "code", "br", "time", "ul", "ol", "li", "dl", "dt", "dd"),
        *("details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    )
)


class Parsed(HTMLParser):
    """What a browser takes for elements, and each text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of a day, with a checkpoint in the midst of it, and a copy of another past."""
    folder = tmp_path_factory.mktemp("report")
    with library.open(f"sqlite:///{folder}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(w.write(w.USAGER, w.DOCTOR, id="first", at=w.NOW - 3 * w.DAY))
        engine.handle(w.write(w.DOCTOR, w.USAGER, w.NOBODY, id="second"))
        engine.handle(w.received("second", w.USAGER))
        engine.handle(w.write(w.USAGER, w.DOCTOR, id=HOLDS_INS))
    (folder / "log.vkey").write_text(huissier("audit", "key", "--name", "log.example/one", cwd=folder).stdout)
    (folder / "monday.txt").write_text(huissier("audit", "checkpoint", cwd=folder).stdout)
    with library.open(f"sqlite:///{folder}/huissier.db", clock=lambda: w.NOW) as engine:
        engine.handle(w.write(w.SURGEON, w.DOCTOR, id="third"))
        engine.handle(w.reach(w.SURGEON, w.OTHER_USAGER))
        engine.handle(EraseUsager(ins=w.ins(2)))
    (folder / "usager.txt").write_text(f"{w.ins(1)}\n")
    shutil.copy(folder / "huissier.db", folder / "copy.db")
    with closing(sqlite3.connect(folder / "copy.db")) as database, database:
        database.execute("UPDATE events SET data = replace(data, 'PER', 'ORG') WHERE position = 6")
    return folder


def report(folder: Path, *arguments: str, status: int = 0, stdin: str = "") -> str:
    """Return the page, in which no text may mention an INS."""
    done = run(folder, *arguments, stdin=stdin)
    assert done.returncode == status, done.stderr
    page = (folder / "report.html").read_text("utf-8")
    assert_no_ins(page)
    return page


def run(folder: Path, *arguments: str, stdin: str = "") -> Done:
    (folder / "report.html").unlink(missing_ok=True)
    return huissier("audit", "report", "--out", "report.html", *arguments, cwd=folder, stdin=stdin)


def assert_no_ins(page: str) -> None:
    for text in Parsed(page).texts:
        assert not mentions_ins(text.replace("300000000000000", ""))  # a certificate's OU is no INS


def positions(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<li id="p([0-9]+)">', page)]


def test_the_whole_log_is_told_in_its_order_and_counted(folder: Path) -> None:
    page = report(folder)
    assert positions(page) == list(range(1, 22))
    assert "Facts: 21; decisions among them: 5." in page


def test_the_page_is_there_as_a_whole_and_for_its_owner_only(folder: Path) -> None:
    report(folder)
    assert (folder / "report.html").stat().st_mode & 0o777 == 0o600
    assert list(folder.glob(".report.html*")) == []


def test_a_message_is_told_with_its_reasons_facts_rules_and_what_came_afterwards(folder: Path) -> None:
    page = report(folder, "--submission", "second")
    assert positions(page) == [16, 17]
    for text in (
        "PROFESSIONNEL_TO_USAGER",
        "DSFT MSSanté 1.4, rule 1: professionnels start",
        "RECIPIENT_UNKNOWN",
        "Check the recipient&#39;s address in the directory.",
        "550 5.7.1 RECIPIENT_UNKNOWN",
        "ch-exemple.mssante.fr: admitted to the trust space",
        "1.4+pharmacies, in force since 2023-05-22T00:00:00Z",
        "received message second submitted at position 16",
    ):
        assert text in page


def test_a_fact_behind_a_decision_is_told_with_its_position_and_with_what_brought_it(folder: Path) -> None:
    page = report(folder, "--submission", "-", stdin=f"{HOLDS_INS}\n")
    (row,) = re.findall(r'<th scope="row" class="position">17</th>.*?</tr>', page, re.DOTALL)
    assert "may write from now on to dr.martin@ch-exemple.mssante.fr" in row
    assert "<td>16, " in row


def test_a_period_is_told(folder: Path) -> None:
    assert positions(report(folder, "--since", "2026-10-28", "--until", "2026-10-28")) == [15]
    assert positions(report(folder, "--until", "2020-03-11")) == list(range(1, 15))


def test_a_mailbox_is_told(folder: Path) -> None:
    assert positions(report(folder, "--mailbox", w.SURGEON.upper())) == [6, 19, 20]


def test_a_contact_is_told_by_two_addresses_or_by_an_ins_in_a_file(folder: Path) -> None:
    by_ins = report(folder, "--usager", "usager.txt", "--mailbox", w.DOCTOR)
    assert positions(by_ins) == [15, 16, 17, 18]
    (usager,) = set(re.findall(r"usager:[a-z2-7]{26}@patient\.mssante\.fr", by_ins))
    by_address = report(folder, "--contact", usager, w.DOCTOR)
    assert positions(by_address) == positions(by_ins)
    assert f"<dt>Contact between</dt><dd>{usager} – {w.DOCTOR}</dd>" in by_address


def test_what_different_options_ask_for_must_all_hold(folder: Path) -> None:
    assert positions(report(folder, "--mailbox", w.DOCTOR, "--since", "2026-10-31", "--submission", "third")) == [19]


def test_where_no_fact_is_meant_the_page_says_so(folder: Path) -> None:
    assert "No fact of the log is meant." in report(folder, "--since", "2027-01-01")


def test_a_message_that_was_never_submitted_is_status_1_and_no_page(folder: Path) -> None:
    done = run(folder, "--submission", "unheard")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "huissier: no message was submitted under this id\n"
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("--since", "yesterday"), 2, "--since"),
        (("--mailbox", w.USAGER), 2, "--usager"),
        (("--contact", w.DOCTOR, "nobody"), 2, "--contact"),
        (("--key", "log.vkey"), 2, "--key goes with --checkpoint"),
        (("--checkpoint", "usager.txt", "--key", "log.vkey"), 2, "usager.txt"),
        (("--checkpoint", "missing.txt", "--key", "log.vkey"), 2, "missing.txt: No such file"),
        (("--store", "sqlite:///nothing.db"), 3, "there is no store"),
        (("--out", "nowhere/report.html"), 3, "nowhere/report.html cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_no_page(
    folder: Path, arguments: tuple[str, ...], status: int, told: str
) -> None:
    done = run(folder, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert not mentions_ins(done.stderr)
    assert list(folder.glob("*report.html*")) == []


def test_a_copy_is_reported_on_without_its_vaults_key_and_without_a_trace(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "huissier.db", tmp_path / "alone.db")
    (tmp_path / "alone.db").chmod(0o400)
    assert len(positions(report(tmp_path, "--store", "sqlite:///alone.db"))) == 21
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.db", "report.html"]


def test_a_store_on_a_server_is_reported_on_with_its_proof(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISSIER_VAULT_KEY", "A" * 43 + "=")
    url = new_database()
    with library.open(url, clock=lambda: w.NOW) as engine:
        engine.handle_many([*w.world(), w.write(w.DOCTOR, w.SURGEON, id="first")])
        (tmp_path / "monday.txt").write_bytes(checkpoint(engine, tmp_path).raw)
    (tmp_path / "log.vkey").write_text(signer(tmp_path).verifier.text)
    signed = ("--checkpoint", "monday.txt", "--key", "log.vkey")
    page = report(tmp_path, "--store", url, "--mailbox", w.SURGEON, *signed)
    assert positions(page) == [6, 15]
    assert "Proved: all facts up to position 15 are those that were signed." in page


# --- what is proved


def test_without_a_checkpoint_the_page_says_that_it_proves_nothing(folder: Path) -> None:
    page = report(folder)
    assert "This report proves nothing by itself: no checkpoint of the log was given." in page
    assert set(re.findall(r'– <span class="[a-z-]+">([^<]*)</span></p>', page)) == {"not checked"}


def test_with_a_checkpoint_and_its_key_each_fact_is_told_as_signed_or_as_behind_it(folder: Path) -> None:
    page = report(folder, "--checkpoint", "monday.txt", "--key", "log.vkey")
    assert "Proved: all facts up to position 18 are those that were signed." in page
    assert '<td class="signed">the log agrees</td>' in page
    assert (folder / "monday.txt").read_text().splitlines()[2] in page
    proofs = re.findall(r'– <span class="([a-z-]+)">[^<]*</span></p>', page)
    assert proofs == ["signed"] * 18 + ["behind"] * 3


def test_without_a_key_the_page_says_that_nobody_checked_who_signed(folder: Path) -> None:
    page = report(folder, "--checkpoint", "monday.txt")
    assert "no key was given, so who signed it was not checked" in page
    assert "signature not checked" in page
    assert "as it was signed" not in page


def test_a_changed_log_is_told_on_the_page_and_by_the_exit_status(folder: Path) -> None:
    arguments = ("--store", "sqlite:///copy.db", "--checkpoint", "monday.txt", "--key", "log.vkey")
    page = report(folder, *arguments, status=1)
    assert "Something is wrong, as said below. Up to position 0" in page
    assert "Position 1: is not the event that was signed, or one up to 18 is not" in page
    assert '<td class="doubtful">the log differs</td>' in page
    assert "as it was signed" not in page
    assert "position 1: is not the event that was signed" in run(folder, *arguments).stderr


def test_a_checkpoint_that_somebody_else_signed_proves_nothing(folder: Path, tmp_path: Path) -> None:
    with library.open(f"sqlite:///{tmp_path}/huissier.db") as engine:
        engine.handle_many(w.world())
    (folder / "other.vkey").write_text(huissier("audit", "key", "--name", "log.example/one", cwd=tmp_path).stdout)
    page = report(folder, "--checkpoint", "monday.txt", "--key", "other.vkey", status=1)
    assert "Nothing is proved: no checkpoint that was given carries the signatures that were asked for." in page
    assert "monday.txt: " in page
    assert "as it was signed" not in page


# --- two languages


def test_everything_is_said_in_french_too(folder: Path) -> None:
    page = report(folder, "--lang", "fr", "--checkpoint", "monday.txt", "--key", "log.vkey")
    assert '<html lang="fr">' in page
    for name in ("title", "evidence", "timeline", "grounds", "rules", "later", "check"):
        french, english = words_module.words_in("fr")[name], words_module.words_in("en")[name]
        assert french.replace("'", "&#39;") in page
        assert english not in page
    assert "Règle 9 : un domaine hébergé connaît ses BAL" in page
    assert "Vérifier l&#39;adresse du destinataire dans l&#39;annuaire." in page
    assert '<span class="outcome refused">refusé</span>' in page


def test_every_word_has_both_languages_and_the_same_gaps() -> None:
    french, english = words_module.words_in("fr"), words_module.words_in("en")
    for name in french:
        assert re.findall(r"\{\w+\}", french[name]) == re.findall(r"\{\w+\}", english[name]), name


def test_every_reason_has_its_requirement_and_its_remedy_in_french() -> None:
    assert {str(code) for code in FRENCH} == set(TABLE)
    for code, french in FRENCH.items():
        assert (french.remedy is None) == (TABLE[code].remedy is None)
        sources = re.compile(r"[A-Z]{3,}[\w.]*|[0-9][0-9.-]*")
        assert set(sources.findall(french.requirement)) - {"BAL"} == set(
            sources.findall(TABLE[code].requirement.replace("MB", ""))
        ) - {"BAL"}, code


# --- whatever stands in the log


PIECES = (
    *("<script>alert(1)</script>", "</style>", "-->", "{{ 7 * 7 }}", "{% raw %}", '" onload="alert(1)', "&lt;", "'"),
    *("\u202egnp.exe", "\u200b", "%s {0}", "é", "x" * 100),
)
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)


def reported(engine: Engine, language: Language = "en") -> str:
    with engine.log.reading() as look:
        return "".join(page_of(Report(look, Subject(), Evidence(), language, w.NOW)))


@settings(max_examples=60, deadline=None)
@given(name=HOSTILE, motive=HOSTILE, id_=HOSTILE, cause=HOSTILE)
def test_no_text_of_the_log_becomes_markup_or_is_lost(name: str, motive: str, id_: str, cause: str) -> None:
    with library.open("sqlite://", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        engine.handle(CreateMailbox(address=f"x@{w.HOSPITAL}", kind="PER", name=name))
        engine.handle(SuspendMailbox(address=f"x@{w.HOSPITAL}", motive=motive))
        engine.handle(w.write(w.DOCTOR, w.SURGEON, id=id_))
        engine.handle(library.ReportDelivery(id=id_, recipient=w.SURGEON, status="undelivered", cause=cause))
        page = Parsed(reported(engine))
    assert set(page.elements) <= TAGS
    assert not any(name.startswith("on") or name in ("src", "style") for name, _ in page.attributes)
    shown = "".join(page.texts)
    for text in (name, motive, id_, cause):
        assert printable(text) in shown


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(history=histories(), chosen=options(), language=st.sampled_from(("fr", "en")))
def test_no_ins_stands_in_any_text_of_a_report(
    history: list[AnyCommand], chosen: library.Options, language: Language
) -> None:
    with library.open("sqlite://", clock=lambda: w.NOW, options=chosen) as engine:
        for command in history:
            engine.handle(command)
        page = reported(engine, language)
        decisions = [command.id for command in history if isinstance(command, SubmitMessage)]
    for text in Parsed(page).texts:
        assert not mentions_ins(text)
    assert bool(re.search("<details open>", page)) <= bool(decisions)


def test_nothing_comes_from_elsewhere_and_nothing_runs(folder: Path) -> None:
    page = report(folder, "--checkpoint", "monday.txt", "--key", "log.vkey")
    assert not re.search(r"https?:|url\(|@import|<script|<link|<img|\bsrc=|\bstyle=|\son\w+=", page)
    assert re.findall(r'href="([^"]*)"', page) == ["#timeline"]
    assert "default-src 'none'; style-src 'sha256-" in page


def test_a_report_is_written_as_the_log_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Watched(Reading):
        def facts_after(self, position: int, limit: int) -> list[tuple[int, bytes]]:
            asked.append(position)
            return super().facts_after(position, limit)

    monkeypatch.setattr("huissier.adapters.audit.report.subject._PAGE", 2)
    with library.open("sqlite://", clock=lambda: w.NOW) as engine:
        engine.handle_many(w.world())
        with engine.log.reading() as look:
            pieces = page_of(Report(Watched(look.session), Subject(), Evidence(), "en", w.NOW))
            written = ""
            while 'id="p3"' not in written:
                written += next(pieces)
            assert asked == [0, 2]
            assert 'id="p14"' in "".join(pieces)


def lines(folder: Path, *arguments: str) -> Iterator[int]:
    for line in huissier("audit", "trail", "--json", *arguments, cwd=folder).stdout.splitlines():
        yield json.loads(line)["position"]


@pytest.mark.parametrize(
    "arguments", [("--mailbox", w.DOCTOR), ("--since", "2026-10-31"), ("--usager", "usager.txt"), ()]
)
def test_a_report_tells_the_facts_that_the_trail_tells(folder: Path, arguments: tuple[str, ...]) -> None:
    assert positions(report(folder, *arguments)) == list(lines(folder, *arguments))
