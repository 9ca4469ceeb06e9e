"""LOG008: many short remote-desktop or VNC sessions from one client."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, dense, minutes, names
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

SERVICES: dict[int, str] = {3389: "RDP (remote desktop)", 5900: "VNC", 5901: "VNC", 5902: "VNC"}


@rule(
    code="LOG008",
    name="repeated-desktop-sessions",
    family="access",
    title="One client opened many short remote-desktop sessions to one server",
    question="Is somebody trying passwords over RDP or VNC?",
    answers=(),
    why="A wrong password ends a remote-desktop session within seconds and few kilobytes; a person's session lasts "
    "and carries a screen.",
    innocent=(
        Innocent(
            explanation="Monitoring or a load balancer checks that the port answers.",
            tell_apart="It sends no login data (at most one connection request), at even intervals, for ever.",
        ),
        Innocent(
            explanation="A client that reconnects on a bad line.",
            tell_apart="Sessions before and after are long and carry the screen.",
        ),
    ),
    confirm=(
        "Look for events 4625 with logon type 3 or 10 on the server in the same minutes.",
        "Does a long session from the same source follow?",
        "Must this port be reachable from there at all?",
    ),
    references=(
        Reference(title="ATT&CK T1110 Brute Force", url="https://attack.mitre.org/techniques/T1110/"),
        Reference(
            title="ATT&CK T1021.001 Remote Desktop Protocol", url="https://attack.mitre.org/techniques/T1021/001/"
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "sessions": Threshold(10, "sessions", "more than a person opens to one server in half an hour"),
        "window": Threshold(1800, "seconds", "guessing sends its tries close together"),
        "longest": Threshold(30, "seconds", "a refused login ends sooner; a desktop stays open longer"),
        "smallest": Threshold(
            12, "bytes from the client", "a port check sends nothing; a VNC version line alone is 12 bytes"
        ),
        "largest": Threshold(
            15_000, "bytes from the server", "certificate and refusal stay below this; a screen does not"
        ),
    },
    weight=58.0,
)
def repeated_desktop_sessions(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server port."""
    cookies = tables.misc.filter(pl.col("rdp_cookie").is_not_null())
    ports = set(SERVICES) | set(cookies["dst_port"].drop_nulls().to_list())
    least = pl.when(pl.col("server_port").is_between(5900, 5902)).then(context.limit("smallest")).otherwise(60)
    short = tables.tcp_sessions.filter(
        pl.col("server_port").is_in(sorted(ports))
        & (pl.col("seconds") <= context.limit("longest"))
        & (pl.col("client_payload") >= least)
        & (pl.col("server_payload") > 0)
        & (pl.col("server_payload") <= context.limit("largest"))
    ).sort("start")
    need, window = int(context.limit("sessions")), context.limit("window")
    drafts = []
    for (client, server, port), rows in short.group_by("client", "server", "server_port", maintain_order=True):
        starts = rows["start"].to_list()
        if dense(starts, need, window):
            asked = cookies.filter((pl.col("src") == client) & (pl.col("dst") == server))["rdp_cookie"].to_list()
            drafts.append(_draft(tables, context, (str(client), str(server), int(str(port))), rows, asked))
    drafts.sort(key=lambda draft: -draft.evidence.total_rows)
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, at: tuple[str, str, int], rows: pl.DataFrame, cookies: list[str]) -> Draft:
    client, server, port = at
    starts = rows["start"].to_list()
    span = starts[-1] - starts[0]
    service = SERVICES.get(port, "RDP (remote desktop)")
    users = list(dict.fromkeys(c.split("=", 1)[-1].strip() for c in cookies if c))
    as_ = f", asking for {names(users, 5)}" if users else ""
    target = f"{called(context, server)} port {port}"
    every = tables.tcp_sessions.filter(
        (pl.col("client") == client) & (pl.col("server") == server) & (pl.col("server_port") == port)
    )
    longer = every.filter((pl.col("server_payload") > context.limit("largest")) & (pl.col("start") > starts[0]))
    end = "No session that goes on can be seen."
    if longer.height:
        largest = max(longer["server_payload"].to_list())
        end = f"A session with {largest:,} bytes from the server followed, as after a login that worked."
    summary = (
        f"Repeated login attempts over {service}, as in password guessing: {client} opened "
        f"{count(rows.height, 'short session')} to "
        f"{target} in {duration(span)}, {minutes(starts[0], starts[-1])}{as_}; median "
        f"{median(rows['server_payload'].to_list()):,.0f} bytes from the "
        f"server each. {end}"
    )
    packets = tables.packets.filter(
        (pl.col("transport") == "tcp")
        & (pl.col("src") == client)
        & (pl.col("dst") == server)
        & (pl.col("dst_port") == port)
    )
    syns = packets.filter((pl.col("flags") & 0x12) == 0x02)
    parts = [filters.src(client), filters.dst(server), filters.dst_port("tcp", port)]
    if syns.height >= rows.height:
        parts += [filters.equals("tcp.flags.syn", 1), filters.equals("tcp.flags.ack", 0)]
        packets = syns
    return Draft(
        subject=f"{client} to {server}:{port}",
        hosts=(client, server),
        summary=summary,
        sentence=f"{client} began {count(rows.height, 'short session')} over {service} to {target}, as in password "
        "guessing",
        priority="high",
        confidence="medium",
        display_filter=filters.all_of(*parts),
        frames=packets["frame"].to_list(),
        evidence=evidence(
            (
                ("start", "time"),
                ("first frame", "frame"),
                ("client port", "port"),
                ("seconds", "seconds"),
                ("bytes from client", "bytes"),
                ("bytes from server", "bytes"),
            ),
            [
                [
                    r["start"],
                    r["first_frame"],
                    r["client_port"],
                    round(r["seconds"], 3),
                    r["client_payload"],
                    r["server_payload"],
                ]
                for r in rows.iter_rows(named=True)
            ],
        ),
        title=f"One client opened many short {cut(service, 30)} sessions to one server",
        time=starts[0],
    )
