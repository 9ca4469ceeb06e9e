"""Which packets a filter can select, judged from the table."""

from __future__ import annotations

import pytest

from tests import builders as b
from tshark_report.rules import filters as f
from tshark_report.tables.anchors import candidates

ROWS = b.packets(
    {"src": "10.0.0.1", "dst": "10.0.0.2", "src_port": 1000, "dst_port": 80},
    {"src": "10.0.0.3", "dst": "10.0.0.1", "src_port": 80, "dst_port": 2000},
    {
        "src": "10.0.0.4",
        "dst": "10.0.0.5",
        "src_port": 53,
        "dst_port": 53,
        "transport": "udp",
        "protocols": "eth:ethertype:ip:udp:dns",
    },
    {
        "src": None,
        "dst": None,
        "transport": "arp",
        "protocols": "eth:ethertype:arp",
        "src_port": None,
        "dst_port": None,
    },
)


@pytest.mark.parametrize(
    ("display_filter", "frames"),
    [
        (f.host("10.0.0.1"), [1, 2]),
        (f.src("10.0.0.1"), [1]),
        (f.all_of(f.src("10.0.0.1"), f.contains("http.host", 'x" || frame || "')), [1]),
        (f.any_of(f.src("10.0.0.1"), f.dst("10.0.0.1")), [1, 2]),
        (f.any_of(f.all_of(f.src("10.0.0.1"), f.port("tcp", 80)), f.all_of(f.host("10.0.0.4"), "dns")), [1, 3]),
        (f.port("tcp", 80), [1, 2]),
        (f.equals("arp.opcode", 1), [4]),
        ("dns", [3]),
    ],
)
def test_understood(display_filter: str, frames: list[int]) -> None:
    condition = candidates(display_filter)
    assert condition is not None
    assert ROWS.filter(condition.fill_null(value=False))["frame"].to_list() == frames


@pytest.mark.parametrize(
    "display_filter",
    ["", "frame.len > 1000", "frame.number == 5", "tcp.stream == 3 && ip.addr == 10.0.0.1", "ip.addr == 10.0.0.1 || frame",
     "!(ip.addr == 10.0.0.1)"],
)  # fmt: skip
def test_not_understood_means_everything(display_filter: str) -> None:
    assert candidates(display_filter) is None
