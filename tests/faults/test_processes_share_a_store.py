"""Two and four processes decide on one store while what they decide on changes under them."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.faults import LONGER
from tests.faults.at_work import at_work, end, wait_for_answers
from tests.faults.verdict import judge

pytestmark = pytest.mark.faults

SECONDS: Final = 1 * LONGER
HAPPENED_UNDER_THEM: Final = {
    *("SENDER_SUSPENDED", "RECIPIENT_SUSPENDED", "SENDER_DOMAIN_NOT_ADMITTED", "RECIPIENT_DOMAIN_NOT_ADMITTED"),
    *("CONTACT_NOT_OPENED", "CONTACT_OPEN", "CONTACT_ENDED", "REPLY_NOT_ALLOWED", "PHARMACY_OPEN_TO_USAGERS"),
}


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_on_one_store_decide_as_one_would(processes: int, store_url: str, tmp_path: Path) -> None:
    journals = [tmp_path / f"journal-{seed}" for seed in range(processes)]
    with ExitStack() as hired:
        gateways = [hired.enter_context(at_work(store_url, journal, seed)) for seed, journal in enumerate(journals)]
        for journal, gateway in zip(journals, gateways, strict=True):
            wait_for_answers(journal, gateway)
        time.sleep(SECONDS)
        end(*gateways)
    assert judge(store_url, *journals).codes.keys() >= HAPPENED_UNDER_THEM
