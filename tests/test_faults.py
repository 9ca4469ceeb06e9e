"""Signals, full disks, closed pipes and tsharks that fail: a report or a told error, and nothing left behind."""

from __future__ import annotations

import sys

import pytest

from tests import faults

pytestmark = [pytest.mark.tshark, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)
def test_fault(fault: faults.Fault) -> None:
    if not faults.possible(fault):
        pytest.skip("needs namespaces")
    ended = faults.attempted(fault)
    assert ended.code == fault.want, (ended.words(), ended.stderr)
    assert ended.told, ended.stderr
    assert not ended.left, ended.left
    assert not ended.processes
