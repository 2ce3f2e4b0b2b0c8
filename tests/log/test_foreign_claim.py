"""A vault and the log that belongs to it are only ever opened together."""

from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBRecorder
from eventsourcing.dcb.popo import InMemoryDCBRecorder

import huissier
from huissier import RegisterOperator
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.errors import StoreError

FIRST = RegisterOperator(operator="ght", kind="professionnel")
SECOND = RegisterOperator(operator="mes", kind="usager")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'vault.db'}"


def recorded(url: str, recorder: DCBRecorder) -> None:
    with huissier.open(url, recorder=recorder) as engine:
        assert engine.handle(FIRST).position == 1
        assert engine.handle(SECOND).position == 2


def test_a_store_and_its_log_are_found_again(url: str) -> None:
    recorder = InMemoryDCBRecorder()
    recorded(url, recorder)
    with huissier.open(url, recorder=recorder) as engine, Engine(url, recorder=recorder, create=False) as reader:
        assert engine.handle(FIRST).outcome == "unchanged"
        assert reader.head == 2


def test_a_store_whose_log_is_elsewhere_is_refused_without_its_recorder(url: str) -> None:
    recorded(url, InMemoryDCBRecorder())
    for create in (True, False):
        with pytest.raises(StoreError, match="elsewhere"):
            Engine(url, create=create)


def test_a_store_that_keeps_its_log_is_refused_with_a_recorder(url: str) -> None:
    huissier.open(url).close()
    with pytest.raises(StoreError, match="keeps its own log"):
        huissier.open(url, recorder=InMemoryDCBRecorder())


def test_a_new_store_is_refused_for_a_log_that_has_facts(url: str, tmp_path: Path) -> None:
    recorder = InMemoryDCBRecorder()
    recorded(url, recorder)
    with pytest.raises(StoreError, match="holds a log already"):
        huissier.open(f"sqlite:///{tmp_path / 'other.db'}", recorder=recorder)


def test_a_recorder_that_lost_the_log_or_holds_another_is_refused(url: str, tmp_path: Path) -> None:
    recorded(url, InMemoryDCBRecorder())
    another = InMemoryDCBRecorder()
    recorded(f"sqlite:///{tmp_path / 'other.db'}", another)
    for recorder in (InMemoryDCBRecorder(), another):
        with pytest.raises(StoreError, match="does not hold the log"):
            huissier.open(url, recorder=recorder)


def test_a_store_stopped_before_it_knew_its_log_learns_it_later(url: str) -> None:
    recorder = InMemoryDCBRecorder()
    with huissier.open(url, recorder=recorder) as engine:
        engine.handle(FIRST)
    recorded_again = huissier.open(url, recorder=recorder)
    assert recorded_again.handle(FIRST).outcome == "unchanged"
    assert recorded_again.handle(SECOND).position == 2
    recorded_again.close()
    with pytest.raises(StoreError, match="does not hold the log"):
        huissier.open(url, recorder=InMemoryDCBRecorder())


def test_the_log_of_another_store_can_be_a_recorder_too(url: str, tmp_path: Path) -> None:
    with huissier.open(f"sqlite:///{tmp_path / 'log.db'}") as log:
        recorded(url, log.recorder)
        assert log.head == 2
        with huissier.open(url, recorder=log.recorder) as engine, pytest.raises(StoreError, match="that was given"):
            engine.recorder  # noqa: B018
