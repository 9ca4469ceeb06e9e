"""LOG006: a Kerberos server refused one client's requests for many names, or one name many times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, dense, many_within, minutes, names
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

REFUSALS: dict[int, str] = {
    6: "KDC_ERR_C_PRINCIPAL_UNKNOWN",
    18: "KDC_ERR_CLIENT_REVOKED",
    23: "KDC_ERR_KEY_EXPIRED",
    24: "KDC_ERR_PREAUTH_FAILED",
}
"""RFC 4120, section 7.5.9. 25 (PREAUTH_REQUIRED) is the first answer to every ordinary login, and no refusal."""

AS_REQ, KRB_ERROR = 10, 30
PREAUTH_REQUIRED = 25


@rule(
    code="LOG006",
    name="refused-kerberos-logins",
    family="access",
    title="Kerberos refused many logins of one client",
    question="Is somebody trying passwords or names against the domain?",
    answers=(),
    why="Guessing shows as KDC_ERR_PREAUTH_FAILED (24) for one name or, one password against many, for many; "
    "trying out "
    "which names exist shows as KDC_ERR_C_PRINCIPAL_UNKNOWN (6).",
    innocent=(
        Innocent(
            explanation="A service or a session left logged in goes on with an old password.",
            tell_apart="One name only, from that account's own machine, at even intervals.",
        ),
        Innocent(
            explanation="A terminal server or a gateway logs in many people, and some mistype.",
            tell_apart="Most names succeed, and refusals are a small part.",
        ),
    ),
    confirm=(
        "Look for events 4768 and 4771 with the client's address on the domain controller.",
        "Which of the names exist, which are locked, and did one succeed afterwards?",
    ),
    references=(
        Reference(title="ATT&CK T1110.003 Password Spraying", url="https://attack.mitre.org/techniques/T1110/003/"),
        Reference(title="RFC 4120: Kerberos V5", url="https://www.rfc-editor.org/rfc/rfc4120#section-7.5.9"),
    ),
    needs=("kerberos",),
    thresholds={
        "refused": Threshold(10, "refused requests", "a mistyped password costs one or two"),
        "window": Threshold(1800, "seconds", "guessing sends its tries close together; a day's mistakes add up too"),
        "users": Threshold(
            5, "user names refused", "one machine seldom serves more people who mistype within one capture"
        ),
    },
    weight=61.0,
)
def refused_kerberos_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client."""
    kerberos = tables.kerberos
    refusals = kerberos.filter(pl.col("error").is_in(list(REFUSALS)))
    if refusals.is_empty():
        return
    asked = kerberos.filter((pl.col("kind") == AS_REQ) & pl.col("client").is_not_null())
    name_of: dict[tuple[str, int], str] = {
        (transport, stream): client
        for transport, stream, client in asked.select("transport", "stream", "client").iter_rows()
    }
    drafts = []
    for (client,), rows in refusals.sort("frame").group_by("dst", maintain_order=True):
        users = [r["client"] or name_of.get((r["transport"], r["stream"]), "") for r in rows.iter_rows(named=True)]
        times, window = rows["time"].to_list(), context.limit("window")
        named = [(t, u.lower()) for t, u in zip(times, users, strict=True) if u]
        if not dense(times, int(context.limit("refused")), window) and not many_within(
            named, int(context.limit("users")), window
        ):
            continue
        drafts.append(_draft(kerberos, context, str(client), rows, users, asked))
    drafts.sort(key=lambda draft: -len(draft.frames))
    yield from drafts[:MOST_FINDINGS]


def _draft(
    kerberos: pl.DataFrame, context: Context, client: str, rows: pl.DataFrame, users: list[str], asked: pl.DataFrame
) -> Draft:
    first, last = float(rows["time"][0]), float(rows["time"][-1])
    servers = list(dict.fromkeys(rows["src"].to_list()))
    errors = Counter(f"{REFUSALS[e]} ({e})" for e in rows["error"].to_list())
    distinct = list(dict.fromkeys(u for u in users if u))
    every = asked.filter(pl.col("src") == client)["client"].drop_nulls().unique()
    exist = kerberos.filter((pl.col("dst") == client) & pl.col("error").is_in([PREAUTH_REQUIRED]))
    existing = (
        asked.filter(pl.col("src").eq(client) & pl.col("stream").is_in(exist["stream"].drop_nulls().to_list()))[
            "client"
        ]
        .drop_nulls()
        .unique(maintain_order=True)
        .to_list()
    )
    won = kerberos.filter((pl.col("dst") == client) & (pl.col("kind") == 11) & pl.col("client").is_not_null())
    winners = [c for c in won["client"].unique(maintain_order=True).to_list() if c and not c.endswith("$")]
    unknown = sum(e == 6 for e in rows["error"].to_list())
    what = "Names were tried out" if unknown > rows.height / 2 else "Password guessing"
    spread = " (one client, many names, as in password spraying)" if len(distinct) >= context.limit("users") else ""
    realm = next((r for r in asked.filter(pl.col("src") == client)["realm"].to_list() if r), "")
    end = f" Tickets were given to {names(winners, 4)}." if winners else " No ticket was given."
    if existing and unknown:
        end = f" Names that exist, by the answer PREAUTH_REQUIRED (25): {names(existing, 5)}." + end
    at = called(context, servers[0]) if len(servers) == 1 else f"{len(servers)} servers"
    summary = (
        f"{what} over Kerberos{spread}: {client} was refused {count(rows.height, 'time')} by {at}"
        f"{' for realm ' + cut(realm, 40) if realm else ''} in {duration(last - first)}, {minutes(first, last)}, for "
        f"{count(len(distinct), 'name')} ({names(distinct, 6)}) of {len(every)} that it asked for: "
        f"{listed([f'{n:,} × {e}' for e, n in errors.most_common(3)])}.{end}"
    )
    codes = sorted(set(rows["error"].to_list()))
    return Draft(
        subject=client,
        hosts=(client, *servers[:4]),
        summary=summary,
        sentence=f"{client} began to ask {at} for Kerberos tickets that were refused, {count(rows.height, 'time')} for "
        f"{count(len(distinct), 'name')}",
        priority="high",
        confidence="high" if len(distinct) >= context.limit("users") else "medium",
        display_filter=filters.all_of(filters.dst(client), filters.one_of("kerberos.error_code", codes)),
        frames=rows["frame"].to_list(),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("server", "address"), ("user", "text"), ("error", "text")),
            [
                [r["time"], r["frame"], r["src"], cut(u, 60), f"{REFUSALS[r['error']]} ({r['error']})"]
                for r, u in zip(rows.iter_rows(named=True), users, strict=True)
            ],
        ),
        time=first,
        weight=5.0 if winners else 0.0,
    )
