"""DNS008: text records that hold commands or encoded programs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.rules.names.changing_addresses import name_filter
from tshark_report.rules.names.dns_tunnel import dns_tunnel, suspects
from tshark_report.tables.tables import Tables

COMMANDS = re.compile(
    r"powershell|\bpwsh\b|invoke-(expression|webrequest|command|restmethod)|downloadstring|downloadfile|frombase64string"
    r"|new-object\s+(system\.)?net\.|\biex\s*[(\"'$]|\bcmd(\.exe)?\s+/c\b|/bin/(ba|da|z)?sh\b|\b(wget|curl)\s+(-|https?:)|\bmshta\b"
    r"|\brundll32\b|\bregsvr32\b|\bcertutil\b|\bbitsadmin\b|\bwscript\b|\bcscript\b|\bnc\s+-|\bchmod\s+\+?[0-7x]|\beval\s*\(",
    re.IGNORECASE,
)
"""Names of shells, of programs that fetch and run others, and the words by which PowerShell does so."""

ENCODED_PROGRAM = re.compile(r"^(TVqQ|TVpQ|TVoA|TVro|f0VMRg|H4sI|UEsDB|4d5a90|7f454c46)", re.IGNORECASE)
"""Base64 or hex of MZ, ELF, gzip and zip headers."""

LONG_BASE64 = re.compile(r"^[A-Za-z0-9+/_\-]{120,}={0,2}$")
LONG_HEX = re.compile(r"^(?:[0-9a-fA-F]{2}){60,}$")

ORDINARY = re.compile(
    r"^\s*(v=|k=|p=|t=|spf|google-|ms=|msv1|apple-|facebook-|adobe-|atlassian-|docusign|globalsign|amazonses|zoom-|stripe-|have-i-been"
    r"|dropbox-|cisco-|webex|onetrust|_?[a-z0-9.\-]{2,40}(verification|verify|validation|domain|site|key|code)[a-z0-9\-]*\s*[=:]"
    r"|o=|n=|s=|d=|i=|brevo|sendinblue|mailru|yandex|mandrill|_globalsign|ca3-|keybase|status-page|dnslink=|ipfs|pgp|txtvers|_acme)",
    re.IGNORECASE,
)
"""How ordinary text records begin: mail policy, keys and proofs of ownership."""


@rule(
    code="DNS008",
    name="command-answers",
    family="names",
    title="A text record held a command or encoded data",
    question="Do TXT answers bring commands or programs?",
    answers=("Q5", "Q12"),
    why="A TXT record may hold any text, and an answer to a name reaches every client. Programs take commands or the "
    "next "
    "stage from there, as shell text, base64 or hex, so that no download is seen.",
    innocent=(
        Innocent(
            explanation="Mail policy, keys and ownership proofs are long texts of letters and digits.",
            tell_apart="They begin with v=, k=, p= or a product's name and are asked for by mail servers.",
        ),
        Innocent(
            explanation="A service may publish its settings in TXT records (certificate validation, discovery).",
            tell_apart="The name begins with an underscore label that names the service.",
        ),
    ),
    confirm=(
        "Decode the text (base64, hex, gzip): what is it?",
        "Which program on the client asked? A shell or script host has no need for TXT records.",
        "What did the client do in the minute after the answer?",
    ),
    references=(
        Reference(
            title="ATT&CK T1071.004: Application Layer Protocol: DNS",
            url="https://attack.mitre.org/techniques/T1071/004/",
        ),
        Reference(title="RFC 1464: storing arbitrary attributes in TXT", url="https://www.rfc-editor.org/rfc/rfc1464"),
    ),
    needs=("dns",),
    thresholds={"answers": Threshold(1, "answers", "one command is enough")},
    weight=75,
)
def command_answers(tables: Tables, context: Context) -> Iterator[Draft]:
    """Match each different TXT text against what commands and encoded programs look like; group by client."""
    dns = c.messages(tables)
    rows = dns.filter(pl.col("response") & (pl.col("txt").str.len_chars() >= 4) & pl.col("qname").is_not_null())
    if rows.is_empty():
        return
    kinds = {text: kind_of(text) for text in rows["txt"].unique().to_list()}
    odd = {text: kind for text, kind in kinds.items() if kind}
    if not odd:
        return
    hits = rows.filter(pl.col("txt").is_in(list(odd)) & ~pl.col("qname").str.contains(r"(^|\.)_"))
    hits = _untold(dns, hits, odd, context)
    for (client,), found in list(hits.group_by("client", maintain_order=True))[: c.MOST_FINDINGS]:
        if found.height < context.limit("answers"):
            continue
        told = {odd[text] for text in found["txt"].to_list()}
        strong = bool(told - {"a long encoded text"})
        priority: Priority = "high" if strong else "low"
        confidence: Confidence = "high" if "a command" in told else "medium"
        names = found["qname"].unique(maintain_order=True).to_list()
        servers = found["server"].unique(maintain_order=True).to_list()
        example = next(t for t in found["txt"].to_list() if odd[t] == max(told, key=_rank))
        display_filter, frames = _filter(dns, found, str(client), names)
        yield Draft(
            subject=f"{client} TXT",
            hosts=(str(client), *servers[:2]),
            summary=(
                f"{c.count(found.height, 'TXT answer')} to {client} from {c.listed(servers)} "
                f"{c.minutes(c.first_time(found), c.last_time(found))} held "
                f"{c.listed(sorted(told, key=_rank, reverse=True))}: "
                f"{c.listed([c.cut(n, 80) for n in names])} gave \u201c{c.cut(example, 100)}\u201d."
            ),
            sentence=f"{client} was given {max(told, key=_rank)} in the TXT record of {c.cut(names[0], 80)}",
            priority=priority,
            confidence=confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(
                (("time", "time"), ("frame", "frame"), ("name", "text"), ("what", "text"), ("text", "text")),
                [
                    (r["time"], r["frame"], c.cut(r["name"], 120), odd[r["txt"]], c.cut(r["txt"], 200))
                    for r in found.head(c.FIRST_ROWS).iter_rows(named=True)
                ],
                total=found.height,
            ),
            line_up=("frame.time_relative", "ip.dst", "dns.qry.name", "dns.txt", "dns.txt.length"),
            time=c.first_time(found),
        )


def _untold(dns: pl.DataFrame, hits: pl.DataFrame, odd: dict[str, str], context: Context) -> pl.DataFrame:
    """Without long texts below a domain that is told as a tunnel already."""
    long_only = [text for text, kind in odd.items() if kind == "a long encoded text"]
    if hits.is_empty() or not long_only:
        return hits
    told = {
        (str(t["client"]), str(t["zone"])) for t in suspects(c.with_zones(dns), dns_tunnel.limits(context.settings))
    }
    zones = c.zones(dns["qname"].drop_nulls().unique().to_list())
    kept = [
        text not in long_only or (client, zones[name].name) not in told
        for client, name, text in hits.select("client", "qname", "txt").iter_rows()
    ]
    return hits.filter(pl.Series(kept, dtype=pl.Boolean))


def kind_of(text: str) -> str:
    """What a TXT text looks like: `a command`, `an encoded program`, `a long encoded text`, or nothing."""
    if COMMANDS.search(text):
        return "a command"
    if ENCODED_PROGRAM.match(text) and len(text) >= 40:
        return "an encoded program"
    if not ORDINARY.match(text) and (LONG_BASE64.match(text) or LONG_HEX.match(text)):
        return "a long encoded text"
    return ""


def _rank(kind: str) -> int:
    return ("a long encoded text", "an encoded program", "a command").index(kind)


def _filter(dns: pl.DataFrame, found: pl.DataFrame, client: str, names: list[str]) -> tuple[str, list[int]]:
    frames = c.frames_of(found)
    alike = dns.filter(
        pl.col("response") & (pl.col("client") == client) & pl.col("qname").is_in(names) & pl.col("txt").is_not_null()
    )
    if alike.height == len(frames) and len(names) <= 10:
        names_filter = filters.any_of(*(name_filter(n) for n in names))
        return c.dns_filter(
            filters.dst(client), filters.equals("dns.flags.response", 1), "dns.txt", names_filter
        ), frames
    return c.by_number(frames)
