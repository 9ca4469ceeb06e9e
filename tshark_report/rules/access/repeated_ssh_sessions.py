"""LOG003: many short SSH sessions of one size from one client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, dense, minutes
from tshark_report.rules.access._ssh_shape import accepted
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

LOOKED_INTO = 100
"""Sessions of a pair whose answers are looked at one by one: enough to know what the others are."""


@rule(
    code="LOG003",
    name="repeated-ssh-sessions",
    family="access",
    title="One client opened many short SSH sessions of the same size to one server",
    question="Is somebody trying passwords over SSH, and did one of them work?",
    answers=(),
    why="SSH hides the login, but not its shape: each wrong password costs a short session of nearly the same size, "
    "and a login that works is followed by a session that goes on.",
    innocent=(
        Innocent(
            explanation="Ansible, rsync, git, a backup or a monitoring check opens a session for each task.",
            tell_apart="They log in with a key at once and then carry data: sessions are longer, differ in size, "
            "and keep "
            "coming at all hours. Sessions whose answers have the sizes of an accepted login are not counted.",
        ),
        Innocent(
            explanation="A script of one's own with an outdated password.",
            tell_apart="One session at a time, at the script's interval, never several in the same second.",
        ),
    ),
    confirm=(
        "Read the server's auth log for the same minutes: failed or accepted, and for which names?",
        "Does a session that stands out by its length follow? Then look at what that account did.",
        "Does the source try other hosts?",
    ),
    references=(
        Reference(title="ATT&CK T1110.001 Password Guessing", url="https://attack.mitre.org/techniques/T1110/001/"),
        Reference(
            title="Zeek: SSH::Password_Guessing",
            url="https://docs.zeek.org/en/master/scripts/policy/protocols/ssh/detect-bruteforcing.zeek.html",
        ),
        Reference(title="RFC 4252: the SSH authentication protocol", url="https://www.rfc-editor.org/rfc/rfc4252"),
    ),
    needs=("openings", "ssh"),
    thresholds={
        "sessions": Threshold(10, "sessions", "more than a person opens to one server in a few minutes"),
        "window": Threshold(1800, "seconds", "guessing sends its tries close together; Zeek looks at 30 minutes"),
        "longest": Threshold(
            60, "seconds", "servers end a session without a login after about two minutes; tries are shorter"
        ),
        "largest": Threshold(
            12_000,
            "bytes from the server",
            "key exchange and a refusal stay below this; an opened shell or copy soon passes it",
        ),
        "pace": Threshold(
            30, "seconds between starts (median)", "guessing does not wait; a script that polls comes at its interval"
        ),
        "accepted": Threshold(
            0.3, "share of sessions", "guessing rarely hits; sessions that log in at once belong to scripts and people"
        ),
        "similar": Threshold(
            0.6, "share of sessions", "tries are alike: this share lies within a quarter of the median size"
        ),
    },
    weight=62.0,
)
def repeated_ssh_sessions(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server port."""
    streams = ssh_streams(tables)
    if not streams:
        return
    sessions = tables.tcp_sessions.filter(pl.col("stream").is_in(streams) & (pl.col("server_payload") > 0))
    short = sessions.filter(
        (pl.col("seconds") <= context.limit("longest")) & (pl.col("server_payload") <= context.limit("largest"))
    )
    groups = short.group_by("client", "server", "server_port", maintain_order=True).agg(
        pl.len().alias("number"), pl.col("start").min().alias("first"), pl.col("start").max().alias("last")
    )
    drafts = []
    for row in groups.filter(pl.col("number") >= context.limit("sessions")).iter_rows(named=True):
        pair = (
            (pl.col("client") == row["client"])
            & (pl.col("server") == row["server"])
            & (pl.col("server_port") == row["server_port"])
        )
        tries = _refused(tables, context, short.filter(pair))
        draft = _draft(tables, context, tries, sessions.filter(pair)) if tries.height else None
        if draft is not None:
            drafts.append(draft)
    drafts.sort(key=lambda draft: -draft.evidence.total_rows)
    yield from drafts[:MOST_FINDINGS]


def _refused(tables: Tables, context: Context, short: pl.DataFrame) -> pl.DataFrame:
    """The sessions without those that logged in, where these are more than a guess that hit."""
    let_in = accepted(tables, short["stream"].head(LOOKED_INTO).to_list())
    if len(let_in) < context.limit("accepted") * min(short.height, LOOKED_INTO):
        return short
    return short.filter(~pl.col("stream").is_in(sorted(let_in)))


def ssh_streams(tables: Tables) -> list[int]:
    """Streams that speak SSH, on whatever port: a side began with its SSH version line (RFC 4253, section 4.2)."""
    seen = set(tables.ssh["stream"].drop_nulls().to_list())
    first = tables.openings.filter((pl.col("transport") == "tcp") & pl.col("data").bin.starts_with(b"SSH-"))
    return sorted(seen | set(first["stream"].to_list()))


def _draft(tables: Tables, context: Context, tries: pl.DataFrame, every: pl.DataFrame) -> Draft | None:
    tries = tries.sort("start")
    starts = tries["start"].to_list()
    window, need = context.limit("window"), int(context.limit("sessions"))
    if not dense(starts, need, window):
        return None
    sizes = [float(n) for n in tries["server_payload"].to_list()]
    # The median of whole tries: a server that is full closes some at once, after its version line.
    whole = [size for size in sizes if size > 200]
    typical = median(whole if len(whole) >= need // 2 else sizes)
    alike = sum(1 for size in sizes if abs(size - typical) <= 0.25 * typical or size < 0.25 * typical)
    if alike < context.limit("similar") * tries.height:
        return None
    first = tries.row(0, named=True)
    client, server, port = first["client"], first["server"], int(first["server_port"])
    span = starts[-1] - starts[0]
    longer = every.filter(
        (pl.col("start") >= starts[0])
        & (
            (pl.col("server_payload") > max(context.limit("largest"), 2 * typical))
            | (pl.col("client_payload") > 4 * typical + 4000)
        )
    ).sort("start")
    grown = tries.filter((pl.col("server_payload") > typical * 1.15 + 100) & (pl.col("start") >= starts[need - 1]))
    software = _software(tables, tries["stream"].to_list())
    told = f" ({software})" if software else ""
    odd = "" if port == 22 else ", an unusual port for SSH"
    target = f"{called(context, server)} port {port}"
    end = "None of them stands out by its size, so no login that worked can be seen."
    confidence: Confidence = "high" if tries.height >= 2 * need else "medium"
    if longer.height:
        found = longer.row(0, named=True)
        end = (
            f"A longer session followed {minutes(found['start'], found['start'])} ({found['server_payload']:,} "
            "bytes from the server), "
            "as after a login that worked."
        )
    elif 0 < grown.height <= max(2, tries.height // 10):
        found = grown.row(grown.height - 1, named=True)
        end = (
            f"The session {minutes(found['start'], found['start'])} carried more than the others "
            f"({found['server_payload']:,} against {typical:,.0f} bytes from the server), as a login that worked would."
        )
    rate = f" ({len(starts) / span * 60:.0f} a minute)" if span > 5 else ""
    summary = (
        f"Repeated login attempts over SSH, as in password guessing: {client} opened "
        f"{count(tries.height, 'short SSH session')} to "
        f"{target}{odd} in {duration(span)}{rate}, {minutes(starts[0], starts[-1])}; about {typical:,.0f} bytes "
        "from the "
        f"server each{told}. {end}"
    )
    streams = tries["stream"].to_list()
    ends = filters.all_of(filters.host(client), filters.host(server), filters.port("tcp", port))
    filter_, frames = _selection(tables, client, server, port, streams, ends)
    gaps = sorted(b - a for a, b in pairwise(starts))
    slow = gaps[len(gaps) // 2] > context.limit("pace")
    priority: Priority = "low" if slow else "high"
    return Draft(
        subject=f"{client} to {server}:{port}",
        hosts=(client, server),
        summary=summary,
        sentence=f"{client} began {count(tries.height, 'short SSH session')} of nearly the same size to {target}, "
        "as in password guessing",
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (
                ("start", "time"),
                ("first frame", "frame"),
                ("client port", "port"),
                ("seconds", "seconds"),
                ("bytes from client", "bytes"),
                ("bytes from server", "bytes"),
                ("packets", "count"),
            ),
            [
                [
                    r["start"],
                    r["first_frame"],
                    r["client_port"],
                    round(r["seconds"], 3),
                    r["client_payload"],
                    r["server_payload"],
                    r["packets"],
                ]
                for r in tries.iter_rows(named=True)
            ],
        ),
        title="One client opened many short SSH sessions to one server, as in password guessing",
        time=starts[0],
        weight=5.0 if longer.height else 0.0,
        lowered_because=f"a session about every {duration(gaps[len(gaps) // 2])} is the pace of a script that polls"
        if slow
        else "",
    )


def _selection(
    tables: Tables, client: str, server: str, port: int, streams: list[int], ends: str
) -> tuple[str, list[int]]:
    """The SYNs of the sessions where all of the pair's were tries; else every packet between the two."""
    pair = (pl.col("transport") == "tcp") & (
        ((pl.col("src") == client) & (pl.col("dst") == server) & (pl.col("dst_port") == port))
        | ((pl.col("src") == server) & (pl.col("dst") == client) & (pl.col("src_port") == port))
    )
    packets = near.packets(tables, pair, "frame", "stream", "flags", "src")
    syns = packets.filter((pl.col("flags") & 0x12) == 0x02)
    if syns["stream"].n_unique() >= len(streams):
        return (
            filters.all_of(
                filters.src(client),
                filters.dst(server),
                filters.dst_port("tcp", port),
                filters.equals("tcp.flags.syn", 1),
                filters.equals("tcp.flags.ack", 0),
            ),
            syns.filter(pl.col("src") == client)["frame"].to_list(),
        )
    return ends, packets["frame"].to_list()


def _software(tables: Tables, streams: list[int]) -> str:
    """What both sides call themselves, most frequent first."""
    first = tables.openings.filter(
        (pl.col("transport") == "tcp") & pl.col("stream").is_in(streams) & pl.col("data").bin.starts_with(b"SSH-")
    )
    lines = Counter(bytes(d).split(b"\n", 1)[0].decode("ascii", "replace").strip() for d in first["data"].to_list())
    return ", ".join(cut(line, 40) for line, _ in lines.most_common(3))
