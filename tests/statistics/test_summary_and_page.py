"""The summary on the terminal and as one page, which a real browser shows without a network."""

import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from huissier.adapters.statistics.gate import GateError
from huissier.adapters.statistics.page import page_of
from huissier.adapters.statistics.sparkline import sparkline
from huissier.adapters.statistics.summary import summaries
from huissier.adapters.testing.hospital import (
    DOCTOR,
    HOSPITAL,
    NOBODY,
    REMOTE_DOCTOR,
    USAGER,
    ins,
    lost,
    moment,
    reach,
    write,
)
from huissier.domain.commands import AdmitDomain
from huissier.projections.exchanges import Totals
from tests.browser import BROWSER, needs_browser
from tests.command_line import huissier
from tests.statistics.told import tell


@pytest.fixture
def told(tmp_path: Path) -> Path:
    tell(
        tmp_path,
        write(DOCTOR, REMOTE_DOCTOR, NOBODY, at=moment("2025-10-12")),
        write(DOCTOR, REMOTE_DOCTOR, id="a", at=moment("2025-10-12")),
        lost("a", REMOTE_DOCTOR, moment("2025-10-13")),
        reach(DOCTOR, USAGER, at=moment("2025-12-01")),
    )
    return tmp_path


def test_the_summary_has_a_row_a_month_and_a_sparkline_a_domain(told: Path) -> None:
    done = huissier("stats", "summary", "--domain", HOSPITAL, cwd=told)
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        [HOSPITAL, "█▁▄"],
        ["month", "accepted", "refused", "delivered", "undelivered"],
        ["2025-10", "2", "1", "0", "1"],
        ["2025-11", "0", "0", "0", "0"],
        ["2025-12", "1", "0", "1", "0"],
    ]


def test_a_month_far_from_the_others_stands_behind_a_mark_instead_of_years_of_empty_months(told: Path) -> None:
    tell(
        told,
        AdmitDomain(at=moment("0001-01-01"), domain=HOSPITAL, hosted=True),
        *(write(DOCTOR, REMOTE_DOCTOR, at=moment(day)) for day in ("0001-01-01", "2028-01-01", "9999-12-31")),
    )
    done = huissier("stats", "summary", "--domain", HOSPITAL, "--html", "page.html", cwd=told)
    lines = [line.split()[0] for line in done.stdout.splitlines()]
    assert done.stdout.splitlines()[0].split()[1].count("…") == 2
    assert lines[2:5] == ["0001-01", "…", "2025-10"]
    assert lines[5:-3] == [*("2025-11", "2025-12"), *(f"{year}-{m:02}" for year in (2026, 2027) for m in range(1, 13))]
    assert lines[-3:] == ["2028-01", "…", "9999-12"]
    assert "…        no messages for more than 24 months" in done.stdout
    page = (told / "page.html").read_text()
    assert page.count("…</td>") == page.count("…<title>") == 2
    assert len(huissier("stats", "summary", "--domain", HOSPITAL, "--json", cwd=told).stdout.splitlines()) == 30


def test_the_summary_is_there_for_programs(told: Path) -> None:
    done = huissier("stats", "summary", "--json", "--domain", HOSPITAL, cwd=told)
    assert done.stdout.splitlines()[0] == (
        f'{{"domain":"{HOSPITAL}","month":202510,"accepted":2,"refused":1,"delivered":0,"undelivered":1}}'
    )
    assert len(done.stdout.splitlines()) == 3


def test_without_exchanges_the_summary_says_so(tmp_path: Path) -> None:
    tell(tmp_path)
    assert huissier("stats", "summary", cwd=tmp_path).stdout == "No exchanges yet.\n"
    assert "No exchanges yet." in "".join(page_of([], "now"))
    done = huissier("stats", "summary", "--domain", HOSPITAL, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"No exchanges of {HOSPITAL} yet.\n")


def test_a_domain_that_was_never_held_here_has_no_summary(told: Path) -> None:
    for domain in ("cabinet.mssante.fr", "nope.fr"):
        done = huissier("stats", "summary", "--domain", domain, cwd=told)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"huissier: {domain} was never held here\n")


@pytest.mark.parametrize(
    ("values", "bars"),
    [((), ""), ((0, 0), "▁▁"), ((1, 1_000_000), "▂█"), ((4, 8, 0), "▅█▁"), ((7,), "█"), ((0, None, 2), "▁…█")],
)
def test_a_sparkline_has_a_bar_a_value(values: tuple[int | None, ...], bars: str) -> None:
    assert sparkline(values) == bars


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(told: Path) -> None:
    assert huissier("stats", "summary", "--html", "page.html", cwd=told).returncode == 0
    page = (told / "page.html").read_text()
    assert (told / "page.html").stat().st_mode & 0o777 == 0o600
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|\bsrc=|\bhref=|\son\w+=", page)
    assert "default-src 'none'" in page
    assert page.count("<svg ") == 2
    assert "usager:" not in page


def test_a_page_that_cannot_be_written_is_told(told: Path) -> None:
    done = huissier("stats", "summary", "--html", "nowhere/page.html", cwd=told)
    assert done.returncode == 3
    assert done.stderr == "huissier: nowhere/page.html cannot be written: No such file or directory\n"


def test_the_page_has_a_gate_too_and_escapes_what_it_is_told() -> None:
    with pytest.raises(GateError):
        "".join(page_of(summaries([Totals(f"{ins(4)}.fr", 202510, 1, 0, 0, 0)]), "now"))
    assert "<b>" not in "".join(page_of(summaries([Totals("<b>", 202510, 1, 0, 0, 0)]), "<b>now"))


def browse(folder: Path, *arguments: str) -> str:
    """Have a browser without a network open the page, and return what it prints."""
    assert BROWSER is not None
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"),
            *(f"--user-data-dir={folder}/profile", "--force-device-scale-factor=1", "--window-size=1000,1400"),
            *(*arguments, f"file://{folder}/page.html"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def colours(png: Path) -> set[tuple[int, ...]]:
    """Return every colour of an image of 8 bits a channel."""
    content, place, packed, channels, width = png.read_bytes(), 8, b"", 3, 0
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        chunk = content[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, channels = struct.unpack(">I", chunk[:4])[0], {2: 3, 6: 4}[chunk[9]]
        packed += chunk if kind == b"IDAT" else b""
        place += length + 12
    lines, row, found = zlib.decompress(packed), bytearray(width * channels), set()
    for start in range(0, len(lines), width * channels + 1):
        row = _unfiltered(lines[start], lines[start + 1 : start + 1 + width * channels], row, channels)
        found |= {tuple(row[at : at + 3]) for at in range(0, len(row), channels)}
    return found


def _unfiltered(kind: int, line: bytes, above: bytearray, channels: int) -> bytearray:
    """Undo a PNG line's filter: none, left, up, average or Paeth."""
    row = bytearray(line)
    for at in range(len(row)):
        left = row[at - channels] if at >= channels else 0
        up, corner = above[at], above[at - channels] if at >= channels else 0
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda value: abs(guess - value))
        row[at] = (row[at] + (0, left, up, (left + up) // 2, nearest)[kind]) & 0xFF
    return row


@pytest.mark.long
@needs_browser
def test_a_browser_shows_the_charts_and_prints_them(told: Path) -> None:
    assert huissier("stats", "summary", "--html", "page.html", cwd=told).returncode == 0
    shown = browse(told, "--dump-dom")
    assert f"<h2>{HOSPITAL}</h2>" in shown
    assert shown.count("<rect ") == 4 * 4  # three months of the hospital and one of the usagers' domain
    browse(told, f"--screenshot={told}/page.png")
    delivered, undelivered, accepted, refused = (
        (0x1F, 0x6F, 0x54),
        (0xB3, 0x54, 0x1E),
        (0x7F, 0xB6, 0xA3),
        (0x8A, 0x2D, 0x3B),
    )
    assert {delivered, undelivered, accepted, refused} <= colours(told / "page.png")
    browse(told, f"--print-to-pdf={told}/page.pdf")
    printed = (told / "page.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") == 1
