from tests.report import sample
from tshark_report.report.course import Course, brief, course


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


WHOLE = course(
    "Start with x. At 00:00:01 a was slow (3 packets from frame 5 to 90). At 00:00:02 b (frame 7). "
    "At 00:00:03 c was uploaded (frames 8-9). 1 further finding about the same hosts is listed below."
)


def test_a_short_course_stays_whole() -> None:
    assert brief(WHOLE, 400, []) is WHOLE


def test_the_most_important_steps_are_kept_in_their_order() -> None:
    made = brief(WHOLE, 90, [(8, 9), (5, 90), (7, 7)])
    assert [at for at, _ in made.steps] == ["00:00:02", "00:00:03"], "the second in rank does not fit, the third does"
    assert made.rest == "1 more step is told in depth. 1 further finding about the same hosts is listed below."
    made = brief(WHOLE, 60, [(8, 9)])
    assert made.steps == [("00:00:03", "c was uploaded (frames 8-9).")]
    assert made.rest.startswith("2 more steps are told in depth.")


def test_where_no_finding_is_known_the_first_come() -> None:
    assert [at for at, _ in brief(WHOLE, 80, []).steps] == ["00:00:01"]


def test_one_step_is_always_told_and_a_huge_one_is_cut() -> None:
    huge = course(f"Start with x. At 00:00:01 {'y' * 5000} (frame 1). At 00:00:02 b (frame 7).")
    made = brief(huge, 300, [(1, 1)])
    assert [at for at, _ in made.steps] == ["00:00:01"]
    assert len(made.steps[0][1]) < 330
    assert brief(course("word " * 500), 300, []).steps == []
    assert len(brief(course("word " * 500), 300, []).lead) < 330
