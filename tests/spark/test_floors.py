"""What upstream says against what was kept: which partitions are refused, and up to which load."""

from datetime import datetime

from spark.floors import Arrived, Held, Reading, assess, is_below
from trendhouse.declared.sources import Floor

FLOOR = Floor(capture_rate=0.98)
WHOLE = Floor(capture_rate=1.0)
T1, T2 = datetime(2026, 11, 1, 10), datetime(2026, 11, 2, 10)
NOTHING_HELD = Held(keys=lambda partition, as_of: 0, quarantined=lambda partition: 0)


def read(expected: int, at: datetime = T1, load: str = "1", new: bool = True) -> Reading:
    return Reading("p", at, expected, "counted", load, new)


def rows(good: int, load: str = "1", at: datetime = T1, quarantined: int = 0) -> Arrived:
    return Arrived("p", load, at, good, quarantined)


def held(count: int, quarantined: int = 0, **as_of: int) -> Held:
    """A table that holds `count` keys, and as of the load `l1`, `l2` so many."""
    return Held(
        keys=lambda _, at: count if at is None else as_of[f"l{at[0]}"],
        quarantined=lambda _: quarantined,
    )


def landed(readings, arrived, before=None, newest_load="0"):
    return assess("landed", WHOLE, readings, arrived, NOTHING_HELD, before or {}, newest_load)


def test_a_partition_below_its_floor_waits_and_the_one_beside_it_does_not():
    other = Reading("q", T1, 5, "counted", "1", True)
    found = landed([read(10), other], [rows(9), Arrived("q", "1", T1, 5, 0)])
    assert found.refused == {"p": "0"}
    assert [(each.partition_name, each.captured_count) for each in found.captures] == [
        ("p", 9),
        ("q", 5),
    ]


def test_a_truncated_hour_that_is_landed_twice_stays_below():
    first = landed([read(240)], [rows(239)])
    again = landed(
        [read(240, new=False)], [rows(239), rows(239, load="2")], first.refused, newest_load="1"
    )
    assert again.refused == {"p": "0"}
    assert again.captures[-1].captured_count == 239


def test_an_hour_in_quarantine_has_the_rate_of_nothing():
    found = landed([read(4)], [rows(0, quarantined=4)])
    assert found.captures[0].captured_count == 0
    assert found.captures[0].is_below_floor


def test_the_whole_hour_lifts_what_the_truncated_one_refused():
    assert landed([read(240)], [rows(239), rows(240, load="2")], {"p": "0"}).refused == {}


def test_a_later_row_without_a_reading_lifts_nothing():
    found = landed([read(10, new=False)], [rows(3, load="2", at=T2)], {"p": "0"}, "1")
    assert found.refused == {"p": "0"}


def test_what_is_shown_goes_on_to_the_last_load_that_met_the_floor():
    readings = [read(5), read(9, T2, "2")]
    assert landed(readings, [rows(5), rows(3, "2", T2)]).refused == {"p": "1"}


def test_late_news_of_an_older_moment_does_not_judge_the_newest():
    late = [read(10, T1, "3"), read(8, T2, "2", new=False)]
    assert landed(late, [rows(4, "3", T1)], newest_load="2").refused == {}


def test_a_list_is_judged_by_the_keys_that_it_holds():
    readings, more = [read(300)], [rows(200)]
    assert assess("held", FLOOR, readings, more, held(299), {}, "0").refused == {}
    assert assess("held", FLOOR, readings, more, held(200), {}, "0").refused == {"p": "0"}


def test_a_reading_without_rows_is_judged_as_well():
    assert assess("held", FLOOR, [read(400)], [], held(300), {}, "7").refused == {"p": "7"}


def test_of_several_loads_each_is_judged_as_of_itself():
    readings = [read(300), read(400, T2, "2")]
    found = assess("held", FLOOR, readings, [rows(300), rows(4, "2")], held(304, l1=300), {}, "0")
    assert [each.captured_count for each in found.captures] == [300, 304]
    assert found.refused == {"p": "1"}


def test_few_records_in_quarantine_hold_nothing_back():
    assert assess("held", FLOOR, [read(7)], [], held(6, quarantined=1), {}, "0").refused == {}
    assert not is_below(captured=214, quarantined=24, expected=240, floor=FLOOR)


def test_many_records_in_quarantine_do():
    assert is_below(captured=120, quarantined=120, expected=240, floor=FLOOR)
    assert is_below(captured=1, quarantined=2, expected=3, floor=WHOLE)


def test_a_floor_that_only_flags_refuses_nothing():
    flag = Floor(capture_rate=0.9, action="flag")
    found = assess("held", flag, [read(10)], [], held(5), {}, "0")
    assert found.refused == {}
    assert found.captures[0].is_below_floor


def test_a_stream_with_a_floor_and_no_reading_is_told():
    found = landed([], [rows(3)])
    assert [(each.expected_count, each.captured_count) for each in found.captures] == [(None, 3)]
    assert found.refused == {}


def test_a_stream_without_a_floor_is_measured_all_the_same():
    found = assess("landed", None, [read(10)], [rows(4)], NOTHING_HELD, {}, "0")
    assert [(each.captured_count, each.is_below_floor) for each in found.captures] == [(4, False)]
