"""LAT007: one host answered broadcast name questions for many names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.settings import is_multicast
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

GROUP_NAME = re.compile(r"(?i)<(?:1b|1c|1d|1e)>|__msbrowse__")
"""NetBIOS names that a domain's controllers and browsers bear besides their own (RFC 1001; [MS-NBTE])."""

BAIT = ("wpad",)
"""Names that nobody bears on a network where nobody set them up."""


@rule(
    code="LAT007",
    name="name-answers",
    family="access",
    title="One host answered broadcast name questions for many names",
    question="Does a host claim names that are not its own (LLMNR, NetBIOS)?",
    answers=("Q5",),
    why="A host answers LLMNR and NetBIOS broadcasts for its own name. One that answers for whatever is asked "
    "draws the "
    "asker's connection, and its login, to itself.",
    innocent=(
        Innocent(
            explanation="A NetBIOS name server (WINS) or proxy answers for others.",
            tell_apart="It gives the others' addresses, and clients ask it directly.",
        ),
        Innocent(
            explanation="A host with several names of its own, for example a cluster or a file server with aliases.",
            tell_apart="The names are known, and always the same few.",
        ),
    ),
    confirm=(
        "Whose names are these, and does one of them exist?",
        "Who connected to the answering host afterwards, and did they log in there (NTLM)? Change those passwords.",
        "Switch LLMNR and NetBIOS off by policy.",
    ),
    references=(
        Reference(
            title="ATT&CK T1557.001 LLMNR/NBT-NS Poisoning", url="https://attack.mitre.org/techniques/T1557/001/"
        ),
        Reference(title="RFC 4795: LLMNR", url="https://www.rfc-editor.org/rfc/rfc4795"),
    ),
    needs=("dns", "nbns"),
    thresholds={
        "names": Threshold(3, "names", "a host has one name, seldom an alias; more are not its own"),
    },
    weight=80.0,
)
def name_answers(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each answering host."""
    answers: dict[str, list[tuple[int, float, str, str, str, str]]] = defaultdict(list)
    llmnr = tables.dns.filter(
        (pl.col("protocol") == "LLMNR") & pl.col("response").fill_null(value=False) & pl.col("name").is_not_null()
    )
    for row in llmnr.iter_rows(named=True):
        given = [*(row["a"] or []), *(row["aaaa"] or [])]
        if given or row["rcode"] == 0:
            answers[str(row["src"])].append(
                (
                    int(row["frame"]),
                    float(row["time"]),
                    "LLMNR",
                    _bare(str(row["name"])),
                    str(row["dst"]),
                    ",".join(map(str, given)),
                )
            )
    asked = {
        _bare(str(n))
        for n, dst in tables.nbns.filter(~pl.col("response").fill_null(value=False)).select("name", "dst").iter_rows()
        if n and dst and (is_multicast(dst) or str(dst).endswith(".255"))
    }
    nbns = tables.nbns.filter(
        pl.col("response").fill_null(value=False) & pl.col("name").is_not_null() & pl.col("address").is_not_null()
    )
    for row in nbns.iter_rows(named=True):
        name = _bare(str(row["name"]))
        if GROUP_NAME.search(str(row["name"])):
            continue
        # Only an answer to a broadcast that gives the answerer's own address is a claim to bear the name.
        if name in asked and row["address"] == row["src"]:
            answers[str(row["src"])].append(
                (int(row["frame"]), float(row["time"]), "NBNS", name, str(row["dst"]), str(row["address"]))
            )
    drafts = []
    for source, given_ in answers.items():
        claimed = list(dict.fromkeys(name for *_, name, _, _ in given_))
        if len(claimed) >= context.limit("names") or any(name in BAIT for name in claimed):
            drafts.append(_draft(tables, context, source, sorted(given_), claimed))
    drafts.sort(key=lambda draft: -len(draft.frames))
    yield from drafts[:MOST_FINDINGS]


def _bare(name: str) -> str:
    """`FILESRV<20>` and `filesrv.local` are the name `filesrv`."""
    return name.split("<", 1)[0].strip().split(".", 1)[0].lower()


def _draft(
    tables: Tables,
    context: Context,
    source: str,
    given: list[tuple[int, float, str, str, str, str]],
    claimed: list[str],
) -> Draft:
    clients = list(dict.fromkeys(client for *_, client, _ in given))
    kinds = list(dict.fromkeys(kind for _, _, kind, *_ in given))
    many = len(claimed) >= context.limit("names")
    priority: Priority = "high" if many else "medium"
    confidence: Confidence = "high" if len(claimed) > context.limit("names") else "medium"
    logins = tables.smb.filter(
        (pl.col("dst") == source)
        & pl.col("user").is_not_null()
        & (pl.col("user") != "NULL")
        & (pl.col("time") >= given[0][1])
    )
    users = [
        f"{d}\\{u}" if d else u for u, d in logins.select("user", "domain").unique(maintain_order=True).iter_rows()
    ]
    web = tables.http.filter(
        (pl.col("dst") == source) & pl.col("method").is_not_null() & (pl.col("time") >= given[0][1])
    )
    after = ""
    if users:
        after = f" Afterwards {count(len(users), 'account')} logged in to it: {names(users, 4)}."
    elif web.height:
        after = (
            f" Afterwards {count(web.height, 'HTTP request')} went to it, the first for "
            f"{cut(web['host'][0] or '', 40)}{cut(web['uri'][0] or '', 60)}."
        )
    first, last = given[0][1], given[-1][1]
    summary = (
        f"{source} answered {count(len(given), 'broadcast name question')} ({listed(kinds)}) of "
        f"{count(len(clients), 'client')} "
        f"({listed([called(context, c) for c in clients], 4)}) for {count(len(claimed), 'different name')}, "
        f"{minutes(first, last)}: "
        f"{names(claimed, 8)}.{after}"
    )
    parts = []
    frames = []
    if "LLMNR" in kinds:
        parts.append(filters.all_of(filters.exists("llmnr"), filters.equals("dns.flags.response", 1)))
        frames += tables.dns.filter(
            (pl.col("protocol") == "LLMNR") & pl.col("response").fill_null(value=False) & (pl.col("src") == source)
        )["frame"].to_list()
    if "NBNS" in kinds:
        parts.append(
            filters.all_of(
                filters.exists("nbns"), filters.equals("nbns.flags.response", 1), filters.exists("nbns.addr")
            )
        )
        frames += tables.nbns.filter(
            pl.col("response").fill_null(value=False) & (pl.col("src") == source) & pl.col("address").is_not_null()
        )["frame"].to_list()
    return Draft(
        subject=source,
        hosts=(source, *clients[:6]),
        summary=summary,
        sentence=f"{source} began to answer name broadcasts for {names(claimed, 3)}, {count(len(claimed), 'name')} "
        "in all",
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(filters.src(source), filters.any_of(*parts)),
        frames=ordered(frames),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("protocol", "text"),
                ("name", "text"),
                ("asked by", "address"),
                ("address given", "text"),
            ),
            [[t, f, k, cut(n, 60), c, cut(a, 60)] for f, t, k, n, c, a in given],
        ),
        time=first,
    )
