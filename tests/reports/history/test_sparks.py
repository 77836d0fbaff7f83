"""A course in one line of text."""

from reports.history.sparks import sparkline


def test_values_become_blocks_from_the_lowest_to_the_highest():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.5] * 4) == "▁▁▁▁"


def test_a_long_course_keeps_its_ends():
    line = sparkline(list(range(200)), 10)
    assert (len(line), line[0], line[-1]) == (10, "▁", "█")
