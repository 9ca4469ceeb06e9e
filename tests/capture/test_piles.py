"""Fragments that no datagram can hold are told from the headers, and read with their headers only."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import bombs
from tshark_report.capture import framing, piles, shortened, split
from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import load

MANY = 40


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a datagram could have no more than 40 fragments."""
    monkeypatch.setattr(piles, "MOST", MANY)


def found(path: Path, packets: Iterable[bytes]) -> piles.Surplus | None:
    bombs.write(path, ((bombs.START + n / 1000, data) for n, data in enumerate(packets)))
    frames = framing.index(path)
    at = split.located(path, frames)
    assert at is not None
    return piles.surplus(path, frames, at)


def fragment(place: int, *, more: bool = True, identity: int = 7, size: int = 8) -> bytes:
    return bombs.ip(17, b"\0" * size, identity=identity, fragment=(0x2000 if more else 0) | place)


def fragment6(place: int, *, before: bytes = b"", identity: int = 7) -> bytes:
    """An IPv6 fragment of 8 bytes, `before` it further extension headers (each of 8 bytes, hop-by-hop)."""
    header = struct.pack(">BBHI", 17, 0, place << 3 | 1, identity) + b"\0" * 8
    kind = 0 if before else piles.FRAGMENT
    body = before + header
    sides = bytes(15) + b"\1" + bytes(15) + b"\2"
    return b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(body), kind, 64) + sides + body


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "place", [lambda n: n, lambda n: 0, lambda n: n % 7], ids=["in order", "the same", "over again"]
)
def test_what_is_beyond_a_datagram(tmp_path: Path, place: object) -> None:
    assert callable(place)
    assert found(tmp_path / "a.pcap", [fragment(place(n)) for n in range(MANY)]) is None
    made = found(tmp_path / "b.pcap", [fragment(place(n)) for n in range(MANY + 3)])
    assert made is not None
    assert made.kept == dict.fromkeys(range(MANY + 1, MANY + 4), 14 + 20), "the headers of the last three"
    assert made.between == "10.0.0.2 to 198.51.100.7"


@pytest.mark.usefixtures("few")
def test_datagrams_that_come_whole_are_no_pile(tmp_path: Path) -> None:
    """A sender that gives every datagram the same number: each is complete before the next one starts."""
    both = [fragment(0), fragment(1, more=False)]
    assert found(tmp_path / "a.pcap", both * MANY * 2) is None
    late = [fragment(1, more=False), fragment(0)]
    assert found(tmp_path / "b.pcap", late * MANY * 2) is None, "also in the other order"
    holes = [fragment(0), fragment(2, more=False)]
    assert found(tmp_path / "c.pcap", holes * MANY * 2) is not None, "a hole stays a hole"


@pytest.mark.usefixtures("few")
def test_each_datagram_counts_for_itself(tmp_path: Path) -> None:
    assert found(tmp_path / "a.pcap", [fragment(n // 9, identity=n % 9) for n in range(MANY * 9)]) is None
    made = found(tmp_path / "b.pcap", [fragment(n // 9, identity=n % 9) for n in range(MANY * 9 + 1)])
    assert made is not None
    assert list(made.kept) == [MANY * 9 + 1]


@pytest.mark.usefixtures("few")
def test_what_was_captured_in_part_is_let_be(tmp_path: Path) -> None:
    assert found(tmp_path / "a.pcap", [fragment(n)[:-1] for n in range(MANY * 3)]) is None


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("before", [b"", struct.pack(">BB", piles.FRAGMENT, 0) + bytes(6)])
def test_ipv6(tmp_path: Path, before: bytes) -> None:
    made = found(tmp_path / "a.pcap", [fragment6(n, before=before) for n in range(MANY + 1)])
    assert made is not None
    assert made.kept == {MANY + 1: 14 + 40 + len(before) + 8}
    assert made.between == "::1 to ::2"


@pytest.mark.usefixtures("few")
def test_behind_a_vlan_tag(tmp_path: Path) -> None:
    tagged = [(f := fragment(n))[:12] + b"\x81\0\0\5" + f[12:] for n in range(MANY + 1)]
    made = found(tmp_path / "a.pcap", tagged)
    assert made is not None
    assert made.kept == {MANY + 1: 14 + 4 + 20}


@pytest.mark.tshark
def test_tshark_puts_together_only_what_was_captured_whole(tmp_path: Path) -> None:
    """What all of this rests on, in each version of tshark."""
    path, cut = tmp_path / "a.pcap", tmp_path / "b.pcap"
    whole = bombs.udp(53, bombs.asked(1))
    two = [bombs.ip(17, whole[:16], fragment=0x2000), bombs.ip(17, whole[16:], fragment=2)]
    bombs.write(path, ((bombs.START + n, data) for n, data in enumerate(two)))
    with cut.open("wb") as out:
        shortened.write(path, framing.index(path), {2: 34}, 2, out)

    def names(capture: Path) -> str:
        args = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-e", "ip.src", "-e", "dns.qry.name"]
        return subprocess.run(args, capture_output=True, text=True, check=True).stdout

    assert names(path).count("bomb.example") == 1
    assert names(cut).count("bomb.example") == 0
    assert names(cut).count("10.0.0.2") == 2, "the headers are there"


@pytest.mark.tshark
def test_a_pile_costs_its_surplus_and_nothing_else(tmp_path: Path) -> None:
    """Every packet is there with its addresses; the sentence says what was not read; the copy leaves no other trace."""
    packets = split.LEAST_PACKETS + 500
    path = bombs.fragments(tmp_path / "a.pcap", packets)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = tshark_module.environment(scratch)
    made = load(path, tshark_module.find(None, env), scratch, env, Options(), jobs=2)
    assert made.tables.packets.height == made.capture.packets == packets
    assert made.tables.packets["src"].unique().to_list() == ["10.0.0.2"]
    [loss] = made.capture.losses
    assert f"{packets - piles.MOST:,} of {packets:,} packets" in loss
    assert "10.0.0.2 to 198.51.100.7" in loss
    assert made.capture.snap_cut == 0, "the recording cut nothing"
    assert not made.capture.truncated
    assert made.preferences == ()
