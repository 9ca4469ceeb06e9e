"""Tables that are missing, damaged, foreign, stale or of another capture end in one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.folders import folder
from tshark_report.capture.dissect import Options
from tshark_report.errors import UsageError
from tshark_report.reading import Request
from tshark_report.store import manifest
from tshark_report.store.reading import check_capture, read

PACKET = {"frame": 1, "time": 1.0, "length": 60, "protocol": "TCP"}


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    return folder(tmp_path / "t", packets=[PACKET], tcp_sessions=[{"stream": 0, "client": "10.0.0.1"}])


def edit(tables: Path, /, **changed: object) -> None:
    path = tables / manifest.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def refused(tables: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read(tables)
    assert "--tables" in caught.value.next_step
    return f"{caught.value.what}: {caught.value.detail}"


def test_whole(tables: Path) -> None:
    again = read(tables)
    assert again.opened[0].tables.packets.height == 1
    assert again.manifest.capture.file_name == "capture.pcap"


def test_missing(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "absent")
    assert "no tables" in refused(tmp_path)


def test_one_bit_turned(tables: Path) -> None:
    path = tables / "packets.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "SHA-256" in refused(tables)


def test_cut_short(tables: Path) -> None:
    path = tables / "dns.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert "dns.parquet" in refused(tables)


def test_a_table_is_gone(tables: Path) -> None:
    (tables / "http.parquet").unlink()
    assert "http.parquet" in refused(tables)


def test_a_table_of_another_version(tables: Path) -> None:
    path = tables / "arp.parquet"
    pl.read_parquet(path).rename({"opcode": "operation"}).write_parquet(path)
    kept = json.loads((tables / manifest.NAME).read_text())["tables"]
    kept["arp"] |= {"bytes": path.stat().st_size, "sha256": manifest.digest(path)}
    edit(tables, tables=kept)
    text = refused(tables)
    assert "another version" in text
    assert "opcode" in text


def test_a_hash_that_fits_does_not_make_it_parquet(tables: Path) -> None:
    path = tables / "arp.parquet"
    path.write_bytes(b"PAR1 and nothing more PAR1")
    kept = json.loads((tables / manifest.NAME).read_text())["tables"]
    kept["arp"] |= {"bytes": path.stat().st_size, "sha256": manifest.digest(path)}
    edit(tables, tables=kept)
    assert "damaged" in refused(tables)


def test_schema_version_of_another_release(tables: Path) -> None:
    edit(tables, schema_version=99)
    assert "99" in refused(tables)


def test_another_program(tables: Path) -> None:
    edit(tables, format="somebody else's")
    assert "not written by tshark-report" in refused(tables)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\0b"])
def test_a_name_that_is_none(tables: Path, name: str) -> None:
    capture = json.loads((tables / manifest.NAME).read_text())["capture"]
    edit(tables, capture=capture | {"file_name": name})
    assert "names no file" in refused(tables)


def test_a_command_that_is_none(tables: Path) -> None:
    edit(tables, commands=[["packets", "tshark 'unclosed"]])
    assert "command" in refused(tables)


def test_settings_that_are_none(tables: Path) -> None:
    edit(tables, settings="home_networks = 3")
    with pytest.raises(UsageError):
        read(tables)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(lambda t: json.dumps({"format": t}).encode()))
def test_any_manifest_is_an_error_of_ours(tables: Path, data: bytes) -> None:
    (tables / manifest.NAME).write_bytes(data)
    with pytest.raises(UsageError):
        read(tables)


def test_another_capture(tables: Path) -> None:
    again = read(tables)
    check_capture(again, Path("capture.pcap"), again.manifest.capture.sha256)
    with pytest.raises(UsageError, match="another capture"):
        check_capture(again, Path("capture.pcap"), "f" * 64)


def test_other_options(tables: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("CLIENT_RANDOM x y")
    edit(tables, options={"display_filter": "dns", "keylog_sha256": manifest.digest(keys)})
    again = read(tables)
    same = Options(display_filter="dns", keylog=keys)
    assert again.request(Request(Path("x"), same), own_settings=False).options.display_filter == "dns"
    assert again.request(Request(Path("x")), own_settings=False).options.display_filter == "dns"
    keys.write_text("another")
    with pytest.raises(UsageError) as caught:
        again.request(Request(Path("x"), Options(display_filter="http", keylog=keys)), own_settings=False)
    assert "--filter" in caught.value.detail
    assert "--keylog" in caught.value.detail
