"""LOG008: fires at ten short RDP or VNC sessions; quiet below, on port checks, and on real desktops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts
from tests.rules.access import rows, wire
from tshark_report.rules.access.repeated_desktop_sessions import repeated_desktop_sessions


def desktop(number: int, *, port: int = 3389, **more: Any) -> Any:
    gap = more.pop("gap", 2.0)
    return rows.sessions(*(rows.session(i, port=port, at=i * gap, **more) for i in range(number)))


@pytest.mark.parametrize("port", [3389, 5900])
def test_fires_at_ten(port: int) -> None:
    found = drafts(repeated_desktop_sessions, desktop(10, port=port))
    assert [(d.priority, d.hosts) for d in found] == [("high", (rows.CLIENT, rows.SERVER))]


def test_quiet_at_nine() -> None:
    assert not drafts(repeated_desktop_sessions, desktop(9))


@pytest.mark.parametrize(
    "other",
    [{"up": 19, "down": 19}, {"seconds": 300.0}, {"down": 400_000}, {"port": 443}, {"gap": 300.0}],
    ids=["port-check", "long", "screen", "web", "spread"],
)
def test_quiet_on_look_alikes(other: dict[str, Any]) -> None:
    assert not drafts(repeated_desktop_sessions, desktop(12, **other))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for i in range(12):
        cookie = (
            b"\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=user%02d\r\n\x01\x00\x08\x00\x03\x00\x00\x00"
            % i
        )
        said = [
            ("c", cookie),
            ("s", b"\x03\x00\x00\x13\x0e\xd0\x00\x00\x124\x00\x02\x1f\x08\x00\x02\x00\x00\x00"),
            ("c", b"\x16\x03\x01\x00\xf0" + b"\x01" * 240),
        ]
        frames += wire.conversation(i, wire.OUTSIDE, wire.SERVER, (43000 + i, 3389), said)
    frames += wire.conversation(30, wire.CLIENT, wire.SERVER, (44000, 3389), said)
    path = wire.write(tmp_path / "rdp.pcap", frames)
    found = drafts(repeated_desktop_sessions, loaded(path).tables)
    assert "user00, user01" in found[0].summary
    assert wire.exact(path, found[0])


def test_tells_of_a_session_that_went_on() -> None:
    made = [rows.session(i, port=3389, at=i * 2.0) for i in range(10)]
    made.append(rows.session(10, port=3389, at=30.0, seconds=300.0, down=900_000))
    assert "900,000 bytes" in drafts(repeated_desktop_sessions, rows.sessions(*made))[0].summary
