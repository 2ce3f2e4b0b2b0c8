"""What testers sent to break it have found, each kept as the shortest way to show it."""

from tests.hospital import hospital, message


def test_checking_for_ever_keeps_no_memory() -> None:
    with hospital() as engine:
        engine.check(message(0))
        before = engine._checks.desk.memory.facts.size
        for number in range(300):
            engine.check(message(number))
        assert engine._checks.desk.memory.facts.size == before
