"""Every rule of this family finds its trouble in a capture, and its filter selects exactly its frames there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import drafts
from tests.rules.transport import wire
from tshark_report.capture.load import Loaded
from tshark_report.rules.base import Rule
from tshark_report.rules.transport import RULES

WIRELESS = ("deauthentication-bursts", "failed-wlan-logins")
ELSEWHERE = ("lossy-calls", "repeated-wlan-frames", "refused-leases", "kerberos-errors")
"""Their trouble stands in captures of their own."""


@pytest.mark.tshark
@pytest.mark.parametrize("rule", [r for r in RULES if r.name not in (*WIRELESS, *ELSEWHERE)], ids=lambda r: r.name)
def test_filters_select_the_frames(rule: Rule, troubles: tuple[Path, Loaded]) -> None:
    path, loaded = troubles
    found = drafts(rule, loaded.tables)
    assert found, "the trouble is in the capture"
    assert wire.exact(path, found), [(d.subject, d.display_filter, list(d.frames)) for d in found]


@pytest.mark.tshark
@pytest.mark.parametrize("rule", [r for r in RULES if r.name in WIRELESS], ids=lambda r: r.name)
def test_wireless_filters_select_the_frames(rule: Rule, wireless: tuple[Path, Loaded]) -> None:
    path, loaded = wireless
    found = drafts(rule, loaded.tables)
    assert [d.subject for d in found] == ["02:00:00:00:00:c1"]
    assert wire.exact(path, found)
