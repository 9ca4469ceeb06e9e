from tests.report import sample
from tshark_report.report.course import Course, course


def test_each_time_is_a_step_and_what_is_not_told_stands_apart() -> None:
    story = (
        "Start with 10.0.0.1. At 08:46:51 10.0.0.1 asked a.example (frame 2). At 08:47:10 it was answered at "
        "09:00:00 by others. (frames 3-4). 2 further findings about the same hosts are listed below."
    )
    assert course(story) == Course(
        "Start with 10.0.0.1.",
        [
            ("08:46:51", "10.0.0.1 asked a.example (frame 2)."),
            ("08:47:10", "it was answered at 09:00:00 by others. (frames 3-4)."),
        ],
        "2 further findings about the same hosts are listed below.",
    )


def test_one_further_finding() -> None:
    story = "Start with x. At 00:00:00 y (frame 1). 1 further finding about the same hosts is listed below."
    assert course(story).rest == "1 further finding about the same hosts is listed below."


def test_another_text_is_all_lead() -> None:
    for story in ("", "Nothing with a time.", "At noon it began."):
        assert course(story) == Course(story, [], "")


def test_nothing_of_a_story_is_lost() -> None:
    for name in sample.ALL:
        for point in sample.ALL[name]().starting_points:
            made = course(point.story)
            told = [made.lead, *(f"At {at} {text}" for at, text in made.steps), made.rest]
            assert " ".join(part for part in told if part) == point.story
