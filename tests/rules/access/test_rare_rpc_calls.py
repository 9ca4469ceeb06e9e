"""EXP002: rare calls by size and by what follows; quiet on ordinary activation requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts
from tests.conftest import case_capture
from tests.rules.access import wire
from tshark_report.rules.access.rare_rpc_calls import rare_rpc_calls

DSSETUP, SRVSVC = "3919286a-b10c-11d0-9ba8-00c04fd92ef5", "4b324fc8-1670-01d3-1278-5a47bf6ee188"
ACTIVATOR, EFS, SPOOLSS = (
    "000001a0-0000-0000-c000-000000000046",
    "c681d488-d850-11d0-8c52-00c04fd90f7e",
    "12345678-1234-abcd-ef00-0123456789ab",
)


def one(
    loaded: Any, folder: Path, interface: str, version: int, opnum: int, size: int, then: list[wire.Frame] | None = None
) -> Any:
    frames = wire.rpc_session(
        0,
        wire.CLIENT,
        wire.SERVER,
        (45000, 49670),
        interface,
        version,
        [(opnum, b"\0" * size), (opnum + 1, b"\0" * 20)],
    )
    path = wire.write(folder / "rpc.pcap", [*frames, *(then or [])])
    found = drafts(rare_rpc_calls, loaded(path).tables)
    assert all(wire.exact(path, draft) for draft in found)
    return found


@pytest.mark.parametrize(
    ("interface", "version", "opnum", "size", "priority"),
    [
        (DSSETUP, 0, 9, 3000, "high"),
        (SRVSVC, 3, 31, 1900, "high"),
        (SRVSVC, 3, 31, 600, "medium"),
        (SRVSVC, 3, 31, 100, "low"),
        (EFS, 1, 0, 90, "medium"),
        (SPOOLSS, 1, 65, 90, "low"),
        (ACTIVATOR, 0, 4, 1800, "medium"),
        (ACTIVATOR, 0, 4, 800, ""),
        (SRVSVC, 3, 15, 3000, ""),
    ],
)
def test_priority(
    loaded: Any, tmp_path: Path, interface: str, version: int, opnum: int, size: int, priority: str
) -> None:
    found = one(loaded, tmp_path, interface, version, opnum, size)
    assert [d.priority for d in found] == ([priority] if priority else [])


def test_high_where_a_new_connection_follows(loaded: Any, tmp_path: Path) -> None:
    shell = wire.conversation(2, wire.CLIENT, wire.SERVER, (45100, 4444), [("c", b"x")])
    found = one(loaded, tmp_path, ACTIVATOR, 0, 4, 1800, shell)
    assert [(d.priority, d.hosts[0]) for d in found] == [("high", wire.SERVER)]
    assert "port 4444" in found[0].summary


def test_high_where_the_server_then_connects_back(loaded: Any, tmp_path: Path) -> None:
    answer = wire.conversation(2, wire.SERVER, wire.CLIENT, (45100, 445), [("c", b"x")])
    found = one(loaded, tmp_path, EFS, 1, 0, 90, answer)
    assert found[0].priority == "high"
    assert "connected back" in found[0].summary


@pytest.mark.shared
def test_on_a_published_capture(loaded: Any) -> None:
    path = case_capture("hn_attack_trace_lsass")
    found = drafts(rare_rpc_calls, loaded(path).tables)
    assert "LSASS" in found[0].summary
    assert "port 1957" in found[0].summary
    assert wire.exact(path, found[0])
