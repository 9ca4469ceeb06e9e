"""What holds, in words."""

from __future__ import annotations

import os

import pytest

from tshark_report.capture.fence import parts


@pytest.mark.skipif(os.name != "posix", reason="knows users")
def test_root_is_told_whose_rights_tshark_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert parts.Fence(dropped=True).parts()["not as root"] is True
    assert parts.Fence().parts()["not as root"] is False
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "not as root" not in parts.Fence().parts()


def test_without_namespaces_the_network_is_not_said_to_be_closed() -> None:
    said = parts.Fence(limits=True, no_new_privileges=True).parts()
    assert [part for part, holds in said.items() if holds and part != "not as root"] == [
        "no new privileges",
        "memory, processor time and file size bounded",
    ]
