"""LOG012: many logins refused inside few SSH sessions, from one client or several."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Reference
from tshark_report.rules import near
from tshark_report.rules.access._common import MOST_FINDINGS, called, dense, minutes, streams_filter
from tshark_report.rules.access._ssh_shape import refusals
from tshark_report.rules.access.repeated_ssh_sessions import repeated_ssh_sessions, ssh_streams
from tshark_report.rules.base import Context, Draft, Threshold, drafts, evidence, rule
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

LOOKED_INTO = 300
"""Sessions of a server whose answers are counted: enough to see what is tried."""


@rule(
    code="LOG012",
    name="refused-ssh-tries",
    family="access",
    title="Many SSH logins were refused in few sessions to one server",
    question="Is somebody trying several passwords in each SSH session, or from several addresses?",
    answers=(),
    why="A server takes up to six tries in one session. Refusals are answers of one and the same size, so they can be"
    " counted"
    " though all is encrypted. Tries that are shared out over addresses stay below what one address may do unnoticed.",
    innocent=(
        Innocent(
            explanation="A person with many keys in the agent, each of which is offered and refused first.",
            tell_apart="A session or two from one address, and the last one is accepted.",
        ),
        Innocent(
            explanation="Several machines with a job whose account or key was changed on the server.",
            tell_apart="Each comes at its own fixed time and tries once.",
        ),
    ),
    confirm=(
        "Read the server's auth log for the same minutes: for which names, and was one accepted?",
        "Do the addresses try other servers too?",
        "MaxAuthTries and MaxStartups in sshd_config limit how fast this goes.",
    ),
    references=(
        Reference(title="ATT&CK T1110.001 Password Guessing", url="https://attack.mitre.org/techniques/T1110/001/"),
        Reference(title="RFC 4252: the SSH authentication protocol", url="https://www.rfc-editor.org/rfc/rfc4252"),
    ),
    needs=("openings", "ssh"),
    thresholds={
        "tries": Threshold(20, "refused tries", "three people who forget their passwords in the same hour make fewer"),
        "sessions": Threshold(4, "sessions", "one person with many keys opens a session or two"),
        "most": Threshold(20, "tries in one session", "servers end a session after six; a few let more pass"),
        "longest": Threshold(
            120, "seconds", "servers end a session without a login after two minutes (LoginGraceTime)"
        ),
        "largest": Threshold(12_000, "bytes from the server", "key exchange and refusals stay below this"),
        "window": Threshold(1800, "seconds", "guessing sends its tries close together; Zeek looks at 30 minutes"),
    },
    weight=61.0,
)
def refused_ssh_tries(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server port, without clients that opened so many sessions that LOG003 tells of them."""
    streams = ssh_streams(tables)
    if not streams:
        return
    # A session that goes on, or carries much, is in use: keys typed are echoed in segments of one size too.
    sessions = tables.tcp_sessions.filter(
        pl.col("stream").is_in(streams)
        & (pl.col("server_payload") > 0)
        & (pl.col("server_payload") <= context.limit("largest"))
        & (pl.col("seconds") <= context.limit("longest"))
    )
    crowded = sessions.group_by("server", "server_port", maintain_order=True).len()
    told = {d.hosts[:2] for d in _told(context)}
    made = []
    for server, port, _ in crowded.filter(pl.col("len") >= context.limit("sessions")).iter_rows():
        clients = [client for client, target in told if target == server]
        rows = sessions.filter(
            (pl.col("server") == server) & (pl.col("server_port") == port) & ~pl.col("client").is_in(clients)
        ).head(LOOKED_INTO)
        tries = {
            stream: n
            for stream, n in refusals(tables, rows["stream"].to_list()).items()
            if 0 < n <= context.limit("most")
        }
        rows = rows.filter(pl.col("stream").is_in(list(tries))).sort("start")
        if rows.height < context.limit("sessions"):
            continue
        times = [start for stream, start in rows.select("stream", "start").iter_rows() for _ in range(tries[stream])]
        if dense(times, int(context.limit("tries")), context.limit("window")):
            made.append(_draft(tables, context, rows, tries))
    made.sort(key=lambda draft: -draft.evidence.total_rows)
    yield from made[:MOST_FINDINGS]


def _told(context: Context) -> list[Draft]:
    rule_ = repeated_ssh_sessions
    return drafts(rule_, Context(context.settings, rule_.limits(context.settings), context.tables))


def _draft(tables: Tables, context: Context, rows: pl.DataFrame, tries: dict[int, int]) -> Draft:
    first = rows.row(0, named=True)
    server, port = str(first["server"]), int(first["server_port"])
    clients = [str(c) for c in rows["client"].unique(maintain_order=True).to_list()]
    streams = rows["stream"].to_list()
    total = sum(tries.values())
    start, last = float(rows["start"].to_list()[0]), float(rows["start"].to_list()[-1])
    who = clients[0] if len(clients) == 1 else f"{len(clients)} clients ({listed(clients, 4)})"
    confidence: Confidence = "high" if total >= 2 * context.limit("tries") else "medium"
    return Draft(
        subject=f"{clients[0] if len(clients) == 1 else 'several'} to {server}:{port}",
        hosts=(*clients[:1], server, *clients[1:6]),
        title="Several clients were refused many SSH logins at one server" if len(clients) > 1 else "",
        summary=f"Repeated login attempts over SSH, as in password guessing: {called(context, server)} port {port}"
        f" refused about {count(total, 'try', 'tries')} of {who} in {count(rows.height, 'session')} within"
        f" {duration(last - start)}, {minutes(start, last)}, up to {max(tries.values())} in one session, by answers of"
        " one and the same size."
        " None of these sessions shows an accepted login.",
        sentence=f"{who} began {count(rows.height, 'SSH session')} to {called(context, server)} port {port} in which"
        f" about {count(total, 'login')} {'was' if total == 1 else 'were'} refused",
        priority="high",
        confidence=confidence,
        display_filter=streams_filter(streams),
        frames=near.of_streams(tables, "tcp", streams)["frame"].to_list(),
        evidence=evidence(
            (
                ("start", "time"),
                ("client", "address"),
                ("client port", "port"),
                ("refused tries", "count"),
                ("seconds", "seconds"),
                ("first frame", "frame"),
            ),
            [
                [
                    r["start"],
                    r["client"],
                    r["client_port"],
                    tries[r["stream"]],
                    round(r["seconds"], 3),
                    r["first_frame"],
                ]
                for r in rows.iter_rows(named=True)
            ],
        ),
        time=start,
    )
