"""The log behaves as the eventsourcing library's own test case says, and as ours adds."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.dcb.tests import DCBRecorderTestCase
from eventsourcing.persistence import IntegrityError, ProgrammingError

from huissier.adapters.log.place import Place
from huissier.adapters.log.recorder import PAGE, SqlRecorder
from huissier.adapters.log.store import Store


@pytest.fixture(params=["file", "memory", "postgres"])
def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlRecorder]:
    match request.param:
        case "file":
            url = f"sqlite:///{tmp_path / 'log.db'}"
        case "memory":
            url = "sqlite://"
        case _:
            url = request.getfixturevalue("new_database")()
    store = Store(Place(url), lambda _connection, _is_new: None)
    yield SqlRecorder(store)
    store.close()


def event(number: int, *tags: str) -> DCBEvent:
    return DCBEvent(type=f"kind-{number % 3}", data=str(number).encode(), tags=list(tags))


def test_the_librarys_case_for_appending_and_reading(recorder: SqlRecorder) -> None:
    DCBRecorderTestCase()._test_append_read(recorder)


def test_the_librarys_case_for_subscribing(recorder: SqlRecorder) -> None:
    DCBRecorderTestCase()._test_append_subscribe(recorder)


def test_reading_pages_through_more_events_than_a_page_holds(recorder: SqlRecorder) -> None:
    total = 2 * PAGE + 7
    recorder.append([event(number, "busy") for number in range(total)])
    by_tag = DCBQuery([DCBQueryItem(tags=["busy"])])
    for query in (None, by_tag, DCBQuery([DCBQueryItem(types=["kind-0", "kind-1", "kind-2"])])):
        response = recorder.read(query)
        positions = [sequenced.position for sequenced in response]
        assert positions == list(range(1, total + 1))
        assert response.head == total


def test_reading_stops_at_the_head_there_was_when_it_began(recorder: SqlRecorder) -> None:
    recorder.append([event(1), event(2)])
    response = recorder.read()
    recorder.append([event(3)])
    assert [sequenced.position for sequenced in response] == [1, 2]
    assert response.head == 2


def test_appending_nothing_is_a_programming_error(recorder: SqlRecorder) -> None:
    with pytest.raises(ProgrammingError):
        recorder.append([])


def test_a_failed_condition_appends_nothing(recorder: SqlRecorder) -> None:
    recorder.append([event(1, "a")])
    with pytest.raises(IntegrityError):
        recorder.append([event(2)], DCBAppendCondition(DCBQuery([DCBQueryItem(tags=["a"])])))
    assert recorder.read().head == 1


def test_an_exception_under_the_pen_appends_nothing(recorder: SqlRecorder) -> None:
    recorder.append([event(1)])

    def interrupted() -> None:
        with recorder.pen() as pen:
            pen.append([event(2, "b")])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [sequenced.position for sequenced in recorder.read()] == [1]
    assert list(recorder.read(DCBQuery([DCBQueryItem(tags=["b"])]))) == []


def test_a_tag_given_twice_counts_once_and_keeps_its_order(recorder: SqlRecorder) -> None:
    recorder.append([event(1, "b", "a", "b")])
    (sequenced,) = recorder.read(DCBQuery([DCBQueryItem(tags=["b"])]))
    assert sequenced.event.tags == ["b", "a", "b"]


def test_threads_appending_at_once_leave_no_gap_and_honour_every_condition(recorder: SqlRecorder) -> None:
    refused = []

    def claim(name: str) -> None:
        for number in range(20):
            condition = DCBAppendCondition(DCBQuery([DCBQueryItem(tags=[f"seat-{number}"])]))
            try:
                recorder.append([DCBEvent("claimed", name.encode(), [f"seat-{number}"])], condition)
            except IntegrityError:
                refused.append(number)

    threads = [threading.Thread(target=claim, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = list(recorder.read())
    assert [sequenced.position for sequenced in events] == list(range(1, 21))
    assert sorted(tag for sequenced in events for tag in sequenced.event.tags) == sorted(
        f"seat-{number}" for number in range(20)
    )
    assert len(refused) == 60


def test_a_subscription_that_is_stopped_while_it_waits_ends(recorder: SqlRecorder) -> None:
    with recorder.subscribe() as subscription:
        timer = threading.Timer(0.05, subscription.stop)
        timer.start()
        assert list(subscription) == []
        timer.join()
