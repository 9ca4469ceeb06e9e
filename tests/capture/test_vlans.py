"""VLAN ids are read from the tags of frames."""

from __future__ import annotations

import polars as pl
import pytest

from tests.conftest import case_capture
from tshark_report.capture import framing, pcapng, vlans


def test_ids_of_a_published_capture() -> None:
    path = case_capture("ndpi_vxlan_vlan")
    frames = framing.index(path)
    rows = {
        "frame": range(1, len(frames) + 1), "length": list(frames.wire), "src": "10.0.0.1",
        "protocols": "eth:ethertype:vlan:ethertype:ip:udp",
    }  # fmt: skip
    found, hosts = vlans.counted(path, frames, pl.DataFrame(rows))
    assert set(found) == {"5"}
    assert found["5"][0] == 127
    assert hosts == {"10.0.0.1": ["5"]}


def test_one_inside_another_and_none(tmp_path) -> None:  # noqa: ANN001
    path = tmp_path / "x.pcapng"
    double = b"\0" * 12 + bytes.fromhex("88a80064 81002014 0800") + b"\0" * 20
    path.write_bytes(pcapng.written([pcapng.Frame(double, 60, 1, 0), pcapng.Frame(b"\0" * 60, 60, 1, 0)]))
    rows = pl.DataFrame({"frame": [1, 2], "length": [60, 60], "src": [None, None], "protocols": ["eth:vlan", "eth"]})
    found, hosts = vlans.counted(path, framing.index(path), rows)
    assert found == {"100.20": (1, 60)}
    assert hosts == {}
    assert vlans.counted(path, None, rows) == ({}, {})


@pytest.mark.parametrize("protocols", ["eth:ethertype:ip", ""])
def test_without_tags_the_file_is_not_read(tmp_path, protocols: str) -> None:  # noqa: ANN001
    rows = pl.DataFrame({"frame": [1], "length": [60], "src": ["10.0.0.1"], "protocols": [protocols]})
    assert vlans.counted(tmp_path / "missing", framing.Frames(), rows) == ({}, {})
