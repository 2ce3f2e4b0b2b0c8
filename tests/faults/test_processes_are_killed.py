"""`kill -9` in the middle of batches, and of making a store: it opens again and goes on."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import pytest

import huissier
from huissier import RegisterOperator
from tests.faults import LONGER
from tests.faults.at_work import at_work, end, wait_for_answers
from tests.faults.journal import unanswered
from tests.faults.verdict import judge, read_log

pytestmark = pytest.mark.faults

KILLS: Final = 20 * LONGER
LONGEST_LIFE: Final = 0.15  # seconds, after it has begun to answer


def test_a_gateway_killed_in_the_middle_of_batches_goes_on_where_it_was(store_url: str, tmp_path: Path) -> None:
    journal, chance = tmp_path / "journal", Random(3)  # noqa: S311
    head = not_heard = 0
    for life in range(KILLS):
        with at_work(store_url, journal, life % 2) as process:
            wait_for_answers(journal, process)
            time.sleep(chance.uniform(0, LONGEST_LIFE))
            process.kill()
        waiting = {asked.command.at for asked in unanswered(journal)}
        with huissier.open(store_url) as engine:
            for fact in read_log(engine, after=head):
                assert fact.position == head + 1
                head = fact.position
                not_heard += fact.event.at in waiting
    with at_work(store_url, journal, 0) as process:
        wait_for_answers(journal, process)
        end(process)
    judge(store_url, journal)
    assert not_heard > 0, "no kill ever came between a commit and its answer"


def test_a_gateway_goes_on_while_others_beside_it_are_killed(store_url: str, tmp_path: Path) -> None:
    journals, chance = [tmp_path / "lives", tmp_path / "dies"], Random(4)  # noqa: S311
    with at_work(store_url, journals[0], 0) as survivor:
        for life in range(KILLS // 6):
            with at_work(store_url, journals[1], 2 + life % 2) as process:
                wait_for_answers(journals[1], process)
                time.sleep(chance.uniform(0, LONGEST_LIFE))
                process.kill()
            wait_for_answers(journals[0], survivor)
        end(survivor)
    judge(store_url, *journals)


MOMENTS: Final[dict[str, Callable[[Path], bool]]] = {
    "its file is there": Path.exists,
    "its vault key is there": lambda store: store.with_name(f"{store.name}.key").exists(),
    "its first page is written": lambda store: store.exists() and store.stat().st_size > 0,
    "its write-ahead log is there": lambda store: store.with_name(f"{store.name}-wal").exists(),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_store_whose_making_was_cut_short_by_a_kill_opens(
    moment: Callable[[Path], bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUISSIER_VAULT_KEY")
    for attempt in range(4 * LONGER):
        store = tmp_path / f"{attempt}.db"
        open_it = "import sys, huissier; huissier.open(sys.argv[1])"
        with subprocess.Popen([sys.executable, "-c", open_it, f"sqlite:///{store}"]) as process:
            while not moment(store) and process.poll() is None:
                time.sleep(0.0001)
            process.kill()
        with huissier.open(f"sqlite:///{store}") as engine:
            assert engine.handle(RegisterOperator(operator="ght", kind="professionnel")).position == 1
