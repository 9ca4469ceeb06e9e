"""What tshark refuses is told by the option that it means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report.capture import chosen
from tshark_report.capture.dissect import Options
from tshark_report.capture.process import Done
from tshark_report.capture.refused import refused
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import FilterRejected

ALL = Options("tcp.port ==", None, ("nonsense",), ("no.such:1",), "absent")


def done(stderr: str) -> Done:
    return Done(("tshark",), 2, b"", stderr, 0.1, timed_out=False)


@pytest.mark.parametrize(
    ("stderr", "complaint"),
    [
        ('tshark: "abc" is not a valid number.\n    tcp.port == abc\n    ^~~\n', '"abc" is not a valid number.'),
        ("a warning\ntshark: Some fields aren't valid:\n\tip.a\n\tip.b\n", "Some fields aren't valid: ip.a ip.b"),
        ("only this\n", "only this"),
        ("\n", ""),
    ],
)
def test_the_line_that_says_what_is_wrong(stderr: str, complaint: str) -> None:
    assert done(stderr).complaint == complaint


@pytest.mark.parametrize(
    ("complaint", "what", "detail"),
    [
        ('Configuration Profile "absent" does not exist', "no such Wireshark profile", "absent"),
        ('-o flag "no.such:1" specifies unknown preference', "a preference", "no.such:1"),
        ('Parameter "nonsense" doesn\'t follow the template', "a decode-as rule", "nonsense"),
        ("Unexpected end of filter expression.", "the filter", "tcp.port =="),
    ],
)
def test_of_all_that_was_given_the_one_that_is_meant(complaint: str, what: str, detail: str) -> None:
    error = refused(complaint, ALL)
    assert what in error.what
    assert detail in error.detail


def test_words_of_a_filter_are_no_other_option() -> None:
    error = refused('"preference" is not a valid protocol or protocol field.', Options("preference == 1"))
    assert error.what == "tshark does not accept the filter"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (Options("tcp.prt == 1"), "the filter"),
        (Options(preferences=("no.such:1",)), "a preference"),
        (Options(decode_as=("tcp.port==80,nonsense",)), "a decode-as rule"),
        (Options(profile="absent"), "no such Wireshark profile"),
    ],
)
def test_tshark_itself(tshark: Tshark, env: dict[str, str], options: Options, what: str) -> None:
    with pytest.raises(FilterRejected) as caught:
        chosen.read(tshark, fixture_capture("unanswered"), ["ip.src"], options, [], 5, env, 60)
    assert what in caught.value.what
    assert "init.lua" not in caught.value.detail


def test_only_unknown_fields_are_named(tshark: Tshark, env: dict[str, str]) -> None:
    with pytest.raises(FilterRejected) as caught:
        chosen.read(tshark, fixture_capture("unanswered"), ["ip.src", "ip.nope"], Options(), [], 5, env, 60)
    assert caught.value.detail == "ip.nope"
    assert "grep '^ip'" in caught.value.next_step


def test_a_field_is_no_shell_command() -> None:
    error = refused("Some fields aren't valid: ';reboot", replace(ALL, profile=""), ["';reboot"])
    assert error.next_step.endswith("grep NAME")


def test_the_capture_is_at_fault(tshark: Tshark, env: dict[str, str], tmp_path: Path) -> None:
    from tshark_report.capture import check
    from tshark_report.errors import CaptureUnreadable

    header = tmp_path / "header.pcap"
    header.write_bytes(bytes.fromhex("d4c3b2a102000400" + "00" * 8 + "0000040001000000"))
    with pytest.raises(CaptureUnreadable, match="no packet"):
        check.examined(tshark, header, tmp_path, env, 60)
