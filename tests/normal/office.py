"""A small office for the tests: sessions as packets, and what was learnt of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests import builders as b
from tshark_report.normal.facts import Facts, facts
from tshark_report.normal.learn import learnt
from tshark_report.normal.model import Baseline
from tshark_report.settings import Settings
from tshark_report.tables.tables import Tables

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SETTINGS = Settings()
PC, SERVER, SHOP, BARE = "10.0.0.5", "10.0.0.80", "203.0.113.9", "198.51.100.77"


def session(
    stream: int, client: str = PC, server: str = SHOP, port: int = 443, *, at: float = 0.0, up: int = 200,
    down: int = 1000, answered: bool = True, think: float = 0.01, ttl: int = 64, ip_id: int = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """The packets of one TCP session: handshake, question, answer; only the SYN where nobody answers."""
    there = {"src": client, "dst": server, "src_port": 40000 + stream, "dst_port": port, "eth_src": _mac(client),
             "ttl": ttl}  # fmt: skip
    back = {
        "src": server,
        "dst": client,
        "src_port": port,
        "dst_port": 40000 + stream,
        "eth_src": _mac(server),
        "ttl": 60,
    }
    steps = [(there, 0.0, 0x02, 0, 100, 0)]
    if answered:
        steps += [
            (back, 0.02, 0x12, 0, 500, 101), (there, 0.021, 0x10, 0, 101, 501), (there, 0.022, 0x18, up, 101, 501),
            (back, 0.042 + think, 0x18, down, 501, 101 + up), (there, 0.043 + think, 0x10, 0, 101 + up, 501 + down),
        ]  # fmt: skip
    return [
        side | {"time": b.START + at + seconds, "flags": flags, "payload": payload, "seq": seq, "ack": ack,
                "stream": stream, "length": 54 + payload, "ip_id": ip_id + number}
        for number, (side, seconds, flags, payload, seq, ack) in enumerate(steps)
    ]  # fmt: skip


def _mac(address: str) -> str:
    return f"02:00:00:00:00:{int(address.rpartition('.')[2]):02x}"


def tables(*sessions: Sequence[dict[str, Any]], names: dict[str, str] | None = None, **more: Any) -> Tables:
    """Tables of these sessions, in order of time; `names` maps servers to what DNS called them."""
    rows = sorted((row for one in sessions for row in one), key=lambda r: r["time"])
    rows = [row | {"frame": number} for number, row in enumerate(rows, start=1)]
    if names:
        more["dns"] = b.family("dns", *(
            {"response": True, "name": name, "a": [address], "type": 1, "src": "10.0.0.1", "dst": PC, "ttls": [300],
             "answer_types": [1], "protocol": "DNS", "frame": 900_000, "time": b.START}
            for address, name in names.items()
        ))  # fmt: skip
    return b.tables(packets=b.packets(*rows), **more)


def facts_of(made: Tables) -> Facts:
    """Facts with the usual home networks."""
    return facts(made, SETTINGS)


def learn(made: Tables, said: dict[str, list[str]] | None = None, sha: str = "a" * 64) -> Baseline:
    """What these tables teach."""
    return learnt(facts_of(made), sha, said or {}, NOW)


def ordinary(number: int = 12, **more: Any) -> Tables:
    """A dozen sessions of the client with a named shop, two minutes apart."""
    several = [session(n, at=120.0 * n, **more) for n in range(number)]
    return tables(*several, names={SHOP: "www.shop.example"})
