"""DCE/RPC calls that mean something: which interface, which operation, how large, and how to filter for them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tshark_report.knowledge import load
from tshark_report.rules import filters, near
from tshark_report.tables.tables import Tables

REQUEST = 0


@dataclass(frozen=True)
class Known:
    """One entry of knowledge/rpc.toml."""

    protocol: str
    uuid: str
    opnums: tuple[int, ...]
    name: str
    use: str
    why: str


@dataclass(frozen=True)
class Call:
    """One request that matched an entry."""

    known: Known
    frame: int
    time: float
    client: str
    server: str
    port: int
    stream: int | None
    transport: str
    opnum: int
    service: str
    shown: str
    """The protocol column of the packet: the dissector's name, or DCERPC where tshark did not see the bind."""


def known(*uses: str) -> tuple[Known, ...]:
    """Entries of these uses."""
    return tuple(
        Known(e["protocol"], e["uuid"], tuple(e["opnum"]), e["name"], e["use"], e["why"])
        for e in load("rpc")["call"]
        if e["use"] in uses
    )


def calls(tables: Tables, *uses: str) -> list[Call]:
    """Requests to interfaces and operations of these uses, in order of time."""
    entries = known(*uses)
    by_protocol = {(e.protocol, o): e for e in entries for o in e.opnums}
    by_uuid = {(e.uuid, o): e for e in entries for o in e.opnums}
    opnums = sorted({o for e in entries for o in e.opnums})
    rows = tables.dcerpc.filter((pl.col("kind") == REQUEST) & pl.col("opnum").is_in(opnums))
    bound: dict[tuple[str, int | None], str] = {}
    binds = tables.dcerpc.filter(pl.col("interface").is_not_null()).select("transport", "stream", "interface")
    for transport, stream, uuid in binds.iter_rows():
        bound[transport, stream] = str(uuid).lower()
    found = []
    for row in rows.iter_rows(named=True):
        shown = str(row["protocol"] or "")
        entry = by_protocol.get((shown, row["opnum"]))
        if entry is None and shown in ("DCERPC", "SMB", "SMB2", "TCP"):
            entry = by_uuid.get((bound.get((row["transport"], row["stream"]), ""), row["opnum"]))
        if entry is not None:
            found.append(
                Call(
                    entry,
                    int(row["frame"]),
                    float(row["time"]),
                    str(row["src"] or ""),
                    str(row["dst"] or ""),
                    int(row["dst_port"] or 0),
                    row["stream"],
                    str(row["transport"] or ""),
                    int(row["opnum"]),
                    str(row["service"] or ""),
                    shown,
                )
            )
    return found


def selection(tables: Tables, client: str, server: str, made: list[Call]) -> tuple[str, list[int]]:
    """The display filter for these calls of one client at one server, and the frames it selects."""
    protocols = {c.shown for c in made}
    opnums = sorted({c.opnum for c in made})
    names = sorted({FIELDS[p] for p in protocols if p in FIELDS})
    ends = filters.all_of(filters.src(client), filters.dst(server))
    if len(names) == len(protocols):
        rows = tables.dcerpc.filter(
            (pl.col("src") == client)
            & (pl.col("dst") == server)
            & (pl.col("kind") == REQUEST)
            & pl.col("protocol").is_in(sorted(protocols))
            & pl.col("opnum").is_in(opnums)
        )
        filter_ = filters.all_of(
            ends,
            filters.any_of(*(filters.exists(n) for n in names)),
            filters.equals("dcerpc.pkt_type", REQUEST),
            filters.one_of("dcerpc.opnum", opnums),
        )
        return filter_, rows["frame"].to_list()
    frames = sorted(c.frame for c in made)[:60]
    return filters.frames(frames), frames


FIELDS: dict[str, str] = {
    "SVCCTL": "svcctl",
    "ATSVC": "atsvc",
    "TaskSchedulerService": "taskschedulerservice",
    "WINREG": "winreg",
    "DRSUAPI": "drsuapi",
    "RPC_NETLOGON": "rpc_netlogon",
    "EFS": "efs",
    "SPOOLSS": "spoolss",
    "NETDFS": "netdfs",
    "DSSETUP": "dssetup",
    "SRVSVC": "srvsvc",
    "ISystemActivator": "isystemactivator",
    "REMACT": "remact",
    "PNP": "pnp",
    "WKSSVC": "wkssvc",
    "SAMR": "samr",
}
"""tshark's protocol column -> its filter name."""


def request_bytes(tables: Tables, call: Call) -> int:
    """Bytes that the client sent since the server last spoke, up to the call: the size of the whole request."""
    if call.stream is None:
        return 0
    stream = near.of_streams(tables, call.transport, [call.stream]).filter(pl.col("frame") <= call.frame)
    answered = stream.filter((pl.col("src") == call.server) & (pl.col("payload") > 0))["frame"]
    after = int(answered[-1]) if answered.len() else 0
    later = stream.filter((pl.col("src") == call.client) & (pl.col("frame") > after))
    sent = later["payload"].cast(pl.UInt64).sum()  # 32 bits would wrap at 4 GiB
    return int(sent or 0)
