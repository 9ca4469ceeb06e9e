"""LOG009: medium at five communities, low with one of one's own, information with the delivered one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts
from tests.rules.access import wire
from tshark_report.rules.access.snmp_communities import snmp_communities


@pytest.mark.parametrize(
    ("communities", "priority"),
    [
        (["public"] * 8, "info"),
        (["t0p-s3cret"] * 3, "low"),
        (["a", "b", "c", "d"], "low"),
        (["a", "b", "c", "d", "e"], "medium"),
    ],
)
def test_priority_by_communities(loaded: Any, tmp_path: Path, communities: list[str], priority: str) -> None:
    frames = [(i, wire.udp(wire.CLIENT, wire.SERVER, 50000, 161, wire.snmp(c, i))) for i, c in enumerate(communities)]
    frames += [(9, wire.udp(wire.OUTSIDE, wire.CLIENT, 50000, 162, wire.snmp("trap", 3)))]
    path = wire.write(tmp_path / "snmp.pcap", frames)
    found = drafts(snmp_communities, loaded(path).tables)
    assert [(d.subject, d.priority) for d in found] == [(wire.CLIENT, priority)]
    assert "t0p-s3cret" not in repr(found)
    assert wire.exact(path, found[0])
