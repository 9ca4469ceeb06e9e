"""LAT004: high from a host that is no controller, information between controllers; quiet on other DRSUAPI calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.access import rows, wire
from tests.rules.access.rows import there
from tshark_report.rules.access.directory_replication import directory_replication

DRSUAPI = "e3514235-4b06-11d1-ab04-00c04fc2dcd2"


def call(opnum: int) -> Any:
    return family("dcerpc", there(protocol="DRSUAPI", kind=0, opnum=opnum))


def test_high_from_an_ordinary_host() -> None:
    found = drafts(directory_replication, tables(dcerpc=call(3)))
    assert [(d.priority, d.hosts) for d in found] == [("high", (rows.CLIENT, rows.SERVER))]


def test_quiet_on_the_calls_that_clients_make() -> None:
    assert not drafts(directory_replication, tables(dcerpc=call(0)))
    assert not drafts(directory_replication, tables(dcerpc=call(12)))


def test_information_between_controllers() -> None:
    served = rows.session(5, client="10.0.0.7", server=rows.CLIENT, port=88)
    assert drafts(directory_replication, rows.sessions(served, dcerpc=call(3)))[0].priority == "info"


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    calls = [(0, b"\0" * 40), (3, b"\0" * 160), (1, b"\0" * 20)]
    path = wire.write(
        tmp_path / "drs.pcap", wire.rpc_session(0, wire.CLIENT, wire.SERVER, (45000, 49671), DRSUAPI, 4, calls)
    )
    found = drafts(directory_replication, loaded(path).tables)
    assert len(found[0].frames) == 1
    assert wire.exact(path, found[0])
