"""Folders of tables for tests of trends: so many conversations to a port on each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.store.folders import folder

MONDAY = 1_772_409_600.0  # 2026-03-02 00:00:00 UTC
DAY = 86400.0


def conversations(port: int, number: int, at: float, *, sources: int = 10, targets: int = 5) -> list[dict[str, object]]:
    """TCP sessions to a port, spread over the day."""
    return [
        {
            "stream": n, "client": f"203.0.113.{n % sources}", "client_port": 40000 + n, "server": f"10.0.0.{n % targets}",
            "server_port": port, "protocol": "TCP", "start": at + n, "end": at + n, "first_frame": n + 1,
            "client_payload": 0, "server_payload": 0, "unanswered": True, "refused": False, "established": False,
        }
        for n in range(number)
    ]  # fmt: skip


def packets(sessions: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """One packet for each conversation."""
    return [
        {
            "frame": s["first_frame"], "time": s["start"], "length": 60, "protocol": s["protocol"],
            "protocols": "eth:ethertype:ip:tcp", "src": s["client"], "dst": s["server"], "transport": "tcp",
            "src_port": s["client_port"], "dst_port": s["server_port"],
        }
        for s in sessions
    ]  # fmt: skip


def week(top: Path, ports: Mapping[int, Sequence[int]], **more: object) -> Path:
    """A folder of captures, one a day: `ports` says how many conversations each port has on each day."""
    days = len(next(iter(ports.values())))
    for day in range(days):
        at = MONDAY + day * DAY + 3600
        rows = [s for port, numbers in ports.items() for s in conversations(port, numbers[day], at, **more)]  # type: ignore[arg-type]
        for place, row in enumerate(rows):
            row |= {"stream": place, "first_frame": place + 1}
        folder(top / f"capture=day{day + 1}", f"day{day + 1}.pcap", packets=packets(rows), tcp_sessions=rows)
    return top
