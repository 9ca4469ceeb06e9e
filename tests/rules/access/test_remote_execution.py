"""LAT002: high on services and tasks made elsewhere, medium on WMI and the registry; quiet on looking at services."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, tables
from tests.rules.access import wire
from tests.rules.access.rows import there
from tshark_report.rules.access.remote_execution import remote_execution

SVCCTL = "367abb81-9844-35f1-ad32-98f038001003"
TASKS = "86d35949-83c9-4044-b424-db363231fd0c"
WMI = "9556dc99-828c-11cf-a37e-00aa003240c7"


def text(value: str) -> bytes:
    """A string as NDR carries it."""
    count = len(value) + 1
    return struct.pack("<III", count, 0, count) + value.encode("utf-16-le") + b"\0\0" + b"\0\0" * (count % 2)


def test_a_service_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    create = b"\x01" * 20 + text("BTOBTO") + b"\0" * 80
    path = wire.write(
        tmp_path / "service.pcap",
        [
            *wire.rpc_session(
                0,
                wire.CLIENT,
                wire.SERVER,
                (45000, 49670),
                SVCCTL,
                2,
                [(15, b"\0" * 20), (12, create), (19, b"\0" * 24)],
            ),
            *wire.rpc_session(1, wire.CLIENT, "10.0.0.81", (45001, 49670), TASKS, 1, [(1, b"\0" * 60)]),
            *wire.rpc_session(
                2, "10.0.0.6", wire.SERVER, (45002, 49670), SVCCTL, 2, [(15, b"\0" * 20), (14, b"\0" * 40)]
            ),
        ],
    )
    found = drafts(remote_execution, loaded(path).tables)
    assert [(d.priority, d.hosts) for d in found] == [("high", (wire.CLIENT, wire.SERVER, "10.0.0.81"))]
    assert "CreateService" in found[0].summary
    assert "BTOBTO" in found[0].summary
    assert "SchRpcRegisterTask" in found[0].summary
    assert wire.exact(path, found[0])


@pytest.mark.parametrize(
    ("protocol", "opnum", "priority"),
    [
        ("SVCCTL", 12, "high"),
        ("SVCCTL", 19, "medium"),
        ("ATSVC", 0, "high"),
        ("WINREG", 22, "medium"),
        ("SVCCTL", 2, "low"),
    ],
)
def test_priority_by_call(protocol: str, opnum: int, priority: str) -> None:
    row = there(protocol=protocol, kind=0, opnum=opnum)
    assert drafts(remote_execution, tables(dcerpc=family("dcerpc", row)))[0].priority == priority


@pytest.mark.parametrize(
    ("protocol", "opnum", "kind"), [("SVCCTL", 15, 0), ("SVCCTL", 12, 2), ("SRVSVC", 12, 0), ("DCERPC", 12, 0)]
)
def test_quiet_on_look_alikes(protocol: str, opnum: int, kind: int) -> None:
    assert not drafts(
        remote_execution, tables(dcerpc=family("dcerpc", there(protocol=protocol, kind=kind, opnum=opnum)))
    )


def test_wmi_is_known_by_its_interface() -> None:
    made = family(
        "dcerpc", there(protocol="DCERPC", kind=11, interface=WMI), there(protocol="DCERPC", kind=0, opnum=24)
    )
    found = drafts(remote_execution, tables(dcerpc=made))
    assert [(d.priority, list(d.frames)) for d in found] == [("medium", [2])]


def test_the_pipe_of_a_tool() -> None:
    row = there(dst_port=445, command2=[5], file="PSEXESVC", response=False)
    found = drafts(remote_execution, tables(smb=family("smb", row)))
    assert [d.priority for d in found] == ["high"]
    assert not drafts(remote_execution, tables(smb=family("smb", row | {"file": "PSEXESVC.exe"})))
    assert not drafts(remote_execution, tables(smb=family("smb", row | {"file": "srvsvc"})))
