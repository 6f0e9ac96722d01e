"""A timetable gives each key once, when it is due first."""

from hypothesis import given
from hypothesis import strategies as st

from collab_server.realtime.timetable import Timetable

PUTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)))


@given(st.lists(st.tuples(PUTS, st.integers(0, 20))))
def test_each_key_is_due_once_at_its_earliest_time(steps: list[tuple[list[tuple[int, int]], int]]) -> None:
    table: Timetable[int] = Timetable()
    model: dict[int, float] = {}
    for puts, now in steps:
        for key, due in puts:
            table.put(key, due)
            model[key] = min(due, model.get(key, due))
        expected = {key for key, due in model.items() if due <= now}
        taken = table.take(now)
        assert len(taken) == len(set(taken))
        assert set(taken) == expected
        assert [model[key] for key in taken] == sorted(model[key] for key in taken)
        for key in taken:
            del model[key]
        assert len(table) == len(model)
