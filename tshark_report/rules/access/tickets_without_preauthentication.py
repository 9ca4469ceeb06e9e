"""LOG010: a client got Kerberos tickets without proving that it knows the password."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, many_within, minutes, names, streams_filter
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

AS_REQ, AS_REP = 10, 11
PREAUTHENTICATION = (2, 13, 14, 16, 30, 136, 138, 141, 151)
"""padata types of a request that prove who asks: encrypted timestamp, SAM, PKINIT (old and new), FAST, encrypted
challenge, one-time password, SPAKE (IANA, Kerberos pre-authentication and typed data)."""
WEAK = (1, 3, 23, 24)
"""DES and RC4 encryption types (RFC 8429 deprecates RC4 in Kerberos)."""
PREAUTH_REQUIRED, UNKNOWN_NAME = 25, 6
STREAMS_NAMED = 30
"""Streams that the display filter names one by one."""


@rule(
    code="LOG010",
    name="tickets-without-preauthentication",
    family="access",
    title="A client got Kerberos tickets without pre-authentication",
    question="Did a client collect login tickets whose passwords can be guessed offline (AS-REP roasting)?",
    answers=(),
    why="An account that needs no pre-authentication gets its ticket for the name alone. Part of the answer is "
    "encrypted with a key made of the account's password, so whoever asks can guess the password offline. Asking for "
    "the weak cipher RC4, or for many names one after another, is how such answers are collected.",
    innocent=(
        Innocent(
            explanation="A realm (mostly MIT or Heimdal) that asks no account for pre-authentication.",
            tell_apart="Every login goes that way, with AES, and each client asks for its own user only.",
        ),
        Innocent(
            explanation="An old appliance or service account for which pre-authentication was switched off on purpose.",
            tell_apart="It is always that account from that machine, and a service ticket is asked for right after.",
        ),
    ),
    confirm=(
        "Look for event 4768 with pre-authentication type 0 on the domain controller.",
        "List the accounts with 'Do not require Kerberos preauthentication', and switch that off.",
        "Change the passwords of the accounts named, and ask which program on the client asked.",
    ),
    references=(
        Reference(title="ATT&CK T1558.004 AS-REP Roasting", url="https://attack.mitre.org/techniques/T1558/004/"),
        Reference(title="RFC 4120, 5.2.7: pre-authentication data", url="https://www.rfc-editor.org/rfc/rfc4120"),
        Reference(title="RFC 8429: deprecate RC4 in Kerberos", url="https://www.rfc-editor.org/rfc/rfc8429"),
    ),
    needs=("kerberos",),
    fields=("kerberos.padata_type",),
    thresholds={
        "accounts": Threshold(
            2, "accounts with a weak cipher", "one such account may be an old device's own; two are asked for by a list"
        ),
        "names": Threshold(
            5, "names asked for", "one machine seldom serves more people that log in within five minutes"
        ),
        "window": Threshold(300, "seconds", "a list of names is gone through at once"),
    },
    weight=62.0,
    rests_on=("whole-packets",),
)
def tickets_without_preauthentication(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client that got at least one ticket for a user's name alone."""
    kerberos = tables.kerberos
    by_stream = ["transport", "stream"]
    asked = kerberos.filter((pl.col("kind") == AS_REQ) & pl.col("stream").is_not_null())
    proved = asked.filter(pl.col("padata").list.eval(pl.element().is_in(PREAUTHENTICATION)).list.any())
    bare = asked.join(proved, on=by_stream, how="anti", maintain_order="left")
    given = kerberos.filter((pl.col("kind") == AS_REP) & pl.col("client").is_not_null())
    given = given.join(bare, on=by_stream, how="semi", maintain_order="left")
    drafts = []
    for (client,), rows in given.group_by("dst", maintain_order=True):
        drafts.append(_draft(context, kerberos, bare.filter(pl.col("src") == client), str(client), rows))
    drafts.sort(key=lambda draft: ("high", "medium", "low", "info").index(draft.priority))
    yield from drafts[:MOST_FINDINGS]


def _draft(context: Context, kerberos: pl.DataFrame, bare: pl.DataFrame, client: str, rows: pl.DataFrame) -> Draft:
    first, last = float(rows["time"][0]), float(rows["time"][-1])
    servers = list(dict.fromkeys(rows["src"].to_list()))
    weak = rows.filter(pl.col("etypes").list.last().is_in(WEAK))
    accounts = list(dict.fromkeys(str(c) for c in rows["client"].to_list()))
    at_risk = list(dict.fromkeys(str(c) for c in weak["client"].to_list()))
    # The ticket itself is under the domain's own key: where that is AES, the weak cipher was the client's choice.
    chosen = bool(weak.height) and weak.filter(pl.col("etypes").list.first().is_in(WEAK)).is_empty()
    went_through = _names_without_login(context, kerberos, bare, client)
    priority, confidence = _priority(context, len(at_risk), chosen, went_through)
    cipher = (
        f"{count(weak.height, 'answer')} encrypted with RC4 or DES" + (", though the domain uses AES" if chosen else "")
        if weak.height
        else "all encrypted with AES"
    )
    walked = f" It asked for {count(went_through, 'name')} that way and logged in with none." if went_through else ""
    realm = next((r for r in bare["realm"].to_list() if r), "")
    summary = (
        f"{client} got {count(rows.height, 'Kerberos ticket')} (AS-REP) without pre-authentication from "
        f"{called(context, servers[0])}{' for realm ' + cut(realm, 40) if realm else ''}, {minutes(first, last)}"
        f"{f' ({duration(last - first)})' if last > first else ''}, for {names(accounts, 6)}: {cipher}. The password "
        f"of such an account can be guessed offline from the answer, as in AS-REP roasting.{walked}"
    )
    streams = rows.select("transport", "stream").unique(maintain_order=True).head(STREAMS_NAMED)
    shown = kerberos.filter((pl.col("kind") == AS_REP) & (pl.col("dst") == client))
    shown = shown.join(streams, on=["transport", "stream"], how="semi", maintain_order="left")
    kinds = [
        streams_filter(streams.filter(pl.col("transport") == transport)["stream"].to_list(), transport)
        for transport in streams["transport"].unique(maintain_order=True).to_list()
    ]
    return Draft(
        subject=client,
        hosts=(client, *servers[:3]),
        summary=summary,
        sentence=f"{client} got {count(rows.height, 'Kerberos ticket')} without pre-authentication for "
        f"{names(accounts, 3)}",
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(
            filters.dst(client), filters.equals("kerberos.msg_type", AS_REP), filters.any_of(*kinds)
        ),
        frames=shown["frame"].unique().sort().to_list(),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("from", "address"), ("account", "text"), ("etypes", "text")),
            [
                [r["time"], r["frame"], r["src"], cut(r["client"], 60), ", ".join(map(str, r["etypes"] or []))]
                for r in rows.iter_rows(named=True)
            ],
        ),
        time=first,
        line_up=("kerberos.msg_type", "kerberos.padata_type", "kerberos.etype", "kerberos.CNameString"),
    )


def _names_without_login(context: Context, kerberos: pl.DataFrame, bare: pl.DataFrame, client: str) -> int:
    """How many names the client asked for by the name alone, close together, and never logged in with; 0 where few."""
    logged_in = kerberos.filter(
        (pl.col("src") == client)
        & (pl.col("kind") == AS_REQ)
        & pl.col("padata").list.eval(pl.element().is_in(PREAUTHENTICATION)).list.any()
    )["client"].drop_nulls()
    tried = bare.filter(pl.col("client").is_not_null() & ~pl.col("client").is_in(logged_in.implode())).sort("time")
    moments = [(float(t), str(c).lower()) for t, c in tried.select("time", "client").iter_rows()]
    close = many_within(moments, int(context.limit("names")), context.limit("window"))
    return len({c for _, c in moments}) if close else 0


def _priority(context: Context, at_risk: int, chosen: bool, went_through: int) -> tuple[Priority, Confidence]:
    if at_risk >= context.limit("accounts") and (chosen or went_through):
        return "high", "high"
    if went_through:
        return "high", "medium"
    if at_risk and chosen:
        return "medium", "medium"
    return "low", "medium"
