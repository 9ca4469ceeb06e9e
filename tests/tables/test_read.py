"""Rows of a tshark pass: the fast layout says what the full one says, and hostile text stays in its cell."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.conftest import FIXTURES, ROBUST, case_capture
from tshark_report.capture import dissect
from tshark_report.capture.tshark import Tshark, known_fields
from tshark_report.tables import columns
from tshark_report.tables.read import Builder, plain_group
from tshark_report.tables.schema import PACKET_SCHEMA

NAMES = sorted(
    p.parent.name for p in FIXTURES.glob("*/capture.pcap*") if p.parent.name not in ("quiet_hour", "hostile_text")
)

ABRIDGED = {("certificates", "der"), ("telnet", "data"), ("smb", "command1"), ("smb", "native_os"), ("smb", "trans2")}
"""Columns that a custom column shows otherwise: bytes cut to 36, commas inside text, raw bytes, order of batched commands."""


def _builders(path: Path, tshark: Tshark, env: dict[str, str]) -> tuple[Builder, Builder]:
    known = known_fields(tshark, columns.all_fields(), env)
    fast, full = Builder(known), Builder(known)
    options = dissect.Options()
    dissect.dissect(tshark, path, fast.fast_layout(), fast.add, expected=None, options=options, env=env, timeout=60)
    again = fast.again()
    if again is not None:
        dissect.dissect(tshark, path, fast.full_layout(), fast.add_full, expected=None,
                        options=dissect.Options(again), env=env, timeout=60, taps=())  # fmt: skip
    dissect.dissect(tshark, path, full.full_layout(), full.add_full, expected=None, options=options, env=env, timeout=60,
                    taps=())  # fmt: skip
    return fast, full


def _differences(one: pl.DataFrame, other: pl.DataFrame, name: str) -> list[str]:
    if one.height != other.height:
        return [f"{name}: {one.height} rows and {other.height}"]
    return [
        f"{name}.{column}"
        for column in one.columns
        if (name, column) not in ABRIDGED and one[column].ne_missing(other[column]).any()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_both_layouts_agree_on_fixtures(name: str, tshark: Tshark, env: dict[str, str]) -> None:
    fast, full = _builders(next((FIXTURES / name).glob("capture.pcap*")), tshark, env)
    found = _differences(fast.packets(), full.packets(), "packets")
    for family in columns.FAMILY_NAMES:
        one, other = fast.family(family), full.family(family)
        if family == "icmp":
            one, other = one.drop("all_dst", "all_dst_port"), other.drop("all_dst", "all_dst_port")
        found += _differences(one, other, family)
    assert found == []


def test_hostile_text_makes_no_row_and_loses_none(tshark: Tshark, env: dict[str, str]) -> None:
    # A custom column shows an escape character as \033, a field as it is: cells differ, rows must not.
    fast, full = _builders(next((FIXTURES / "hostile_text").glob("capture.pcap*")), tshark, env)
    assert _differences(fast.packets(), full.packets(), "packets") == []
    assert [fast.family(n).height for n in columns.FAMILY_NAMES] == [
        full.family(n).height for n in columns.FAMILY_NAMES
    ]


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["zeek_teredo", "ndpi_vxlan_vlan", "ark_80211_http", "mal_backscatter", "hn_attack_trace_lsass"]
)
def test_both_layouts_agree_on_published_captures(name: str, tshark: Tshark, env: dict[str, str]) -> None:
    fast, full = _builders(case_capture(name), tshark, env)
    assert _differences(fast.packets(), full.packets(), "packets") == []


@pytest.mark.shared
def test_forged_rows_do_not_get_in(loaded, tshark: Tshark) -> None:
    path = ROBUST / "made_forged_row.pcap"
    if not path.exists():
        pytest.skip("published captures are not beside this project")
    tables = loaded(path).tables
    assert tables.packets["frame"].to_list() == [1, 2, 3]
    assert tables.tls["server_name"].drop_nulls().len() > 0


def test_a_row_too_many_tabs_is_noticed() -> None:
    kept: list[bytes] = []
    rows = dissect._Rows(2, 2, kept.append)
    rows.feed(b"1\ta\tb\n2\ta\tb\tc\n")
    with pytest.raises(dissect.Forged):
        rows.finish()


def test_a_forged_row_takes_the_place_of_a_real_one() -> None:
    # A newline and the right number of tabs inside a value: the third line is the second packet's.
    kept: list[bytes] = []
    rows = dissect._Rows(2, 2, kept.append)
    rows.feed(b"1\ta\tb\n9\tfake\tb\n2\ta\tb\n")
    rows.finish()
    assert rows.rows == 2
    assert b"9\tfake" in kept[0]  # counted; load._in_order then finds that frame 9 cannot be


def test_taps_start_where_the_rows_end() -> None:
    kept: list[bytes] = []
    rows = dissect._Rows(1, 1, kept.append)
    rows.feed(b"1\ta\n\n====\nProtocol\tHierarchy\n")
    rows.finish()
    assert kept == [b"1\ta\n"]
    assert rows.tail.decode() == "\n====\nProtocol\tHierarchy\n"


@pytest.mark.parametrize(
    ("protocols", "group"),
    [("eth:ethertype:ip:udp:dns", "dns"), ("eth:ethertype:ip:tcp:tls:http", None), ("eth:ethertype:ip:tcp", "")],
)
def test_groups_by_marker(protocols: str, group: str | None) -> None:
    place = plain_group(protocols)
    if group is None:
        assert place == -2
    elif group == "":
        assert place == -1
    else:
        assert group in columns.GROUPS[place].families


def test_hostile_bytes_stay_in_their_cell() -> None:
    builder = Builder(columns.all_fields())
    layout = builder.fast_layout()
    cells = [b""] * len(layout.columns)
    names = [name for name, _ in columns.BUILT_IN]
    for name, value in (("frame", b"    1"), ("src", b"10.0.0.1   "), ("dst", b"10.0.0.2"), ("time", b"1700000000.5"),
                        ("length", b"60"), ("protocol", b'"DNS\xff<script>"'), ("src_port", b"9"), ("dst_port", b"99999999")):  # fmt: skip
        cells[names.index(name)] = value
    cells[len(names)] = b"eth:ethertype:ip:udp"
    builder.add(b"\t".join(cells) + b"\n")
    row = builder.packets().row(0, named=True)
    assert row["src"] == "10.0.0.1"
    assert row["protocol"] == '"DNS\ufffd<script>"'
    assert row["dst_port"] is None
    assert list(builder.packets().columns) == list(PACKET_SCHEMA)


def test_every_slot_family_is_in_one_group() -> None:
    grouped = [name for group in columns.GROUPS for name in group.families]
    # 802.11 frames are always read by the full layout.
    assert sorted([*grouped, "wlan", "fragments6"]) == sorted(columns.FAMILY_NAMES)
    assert len(grouped) == len(set(grouped))


def test_no_field_stands_in_two_slots() -> None:
    fields = [f for names, _ in columns.slots() for f in names]
    assert len(fields) == len(set(fields))


def test_tabs_that_stand_in_other_rows_are_told_as_forged() -> None:
    """As many of them as there should be: only a program that is not tshark writes that."""
    builder = Builder(columns.all_fields())
    tabs = len(builder.fast_layout().columns) - 1
    reader = dissect._Rows(None, tabs, builder.add)
    reader.feed(b"\n" + b"\t" * 2 * tabs + b"\n")
    with pytest.raises(dissect.Forged, match="widths"):
        reader.finish()
