"""What the first pass has answered is what tshark counts when the filter is run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.builders import packets, tables
from tests.conftest import FIXTURES
from tshark_report.capture import filters
from tshark_report.reading import Request, opened
from tshark_report.tables.analysis import KINDS
from tshark_report.tables.first_pass import counted

NAMES = sorted(p.parent.name for p in FIXTURES.glob("*/capture.pcap*"))


@pytest.mark.tshark
@pytest.mark.parametrize("name", NAMES)
def test_is_what_tshark_counts(name: str) -> None:
    path: Path = next((FIXTURES / name).glob("capture.pcap*"))
    wanted = [each for _, _, each in KINDS]
    wanted += [
        "frame.number == 3",
        "(frame.number >= 2 && frame.number <= 9) || frame.number == 4 || (frame.number >= 8 && frame.number <= 99999)",
        "tls.handshake.certificate",
        "tls.handshake.certificate && (frame.number == 7 || (frame.number >= 20 && frame.number <= 400))",
    ]
    with opened(Request(path)) as (loaded, found, _, env):
        flagged = loaded.tables.expert.filter(pl.col("group") == "Sequence").unique(["src", "dst"], maintain_order=True)
        for src, dst in flagged.select("src", "dst").head(6).iter_rows():
            if src is None or dst is None:
                continue
            ip = "ipv6" if ":" in src else "ip"
            both = f"({ip}.addr == {src} && {ip}.addr == {dst})"
            for flag in ("retransmission", "duplicate_ack", "reused_ports", "zero_window"):
                wanted.append(f"{both} && tcp.analysis.{flag}")
                wanted.append(f"{ip}.src == {dst} && tcp.analysis.{flag}")
        layered = set(loaded.tables.layers["frame"])
        counter = filters.Counter(found, loaded.capture.path, Request(path).options, env, 60.0)
        run, _ = filters.counts(counter, wanted)
        said = {each: counted(each, loaded.tables) for each in wanted}
        # Where a packet has several network layers, tshark is asked.
        assert not {each for each, number in said.items() if number is None} or layered
        assert {each: number for each, number in said.items() if number is not None} == {
            each: run[each] for each, number in said.items() if number is not None
        }


@pytest.mark.parametrize(
    "text",
    [
        "tcp.stream == 3",
        "frame.number == 1 && tcp",
        "tcp.analysis.flags",
        "frame.number == 1 || tcp",
        "!(frame.number == 1)",
        "frame.number > 1",
        "ip.addr == 10.0.0.1",
        "ip.addr == 10.0.0 && tcp.analysis.retransmission",
        "(ip.addr == 10.0.0.1 || ip.addr == 10.0.0.2) && tcp.analysis.retransmission",
        "!(ip.addr == 10.0.0.1) && tcp.analysis.retransmission",
        'http.host == "a && tcp.analysis.retransmission"',
        "",
    ],
)
def test_leaves_every_other_filter_to_tshark(text: str) -> None:
    assert counted(text, tables(packets=packets({"frame": 1}))) is None
