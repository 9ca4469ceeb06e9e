"""DNS018: complete names that a client's resolver first looked for below its search list."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.rules.names.generated_names import ADDRESS_TYPES, NXDOMAIN
from tshark_report.tables.tables import Tables

MOST_NAMES = 30
"""Names in a display filter."""


@rule(
    code="DNS018",
    name="search-list-misses",
    family="names",
    title="A client looked for complete names below its search list first",
    question="Do look-ups fail because a search list is put behind complete names?",
    answers=("Q5", "Q7"),
    why="A resolver with many dots to wait for (ndots, as in Kubernetes) or a long search list asks for"
    " www.shop.example.corp.lan"
    " before it asks for www.shop.example. Each look-up then costs several questions that cannot be answered, waits for"
    " each of them, and tells names to servers that have nothing to do with them.",
    innocent=(
        Innocent(
            explanation="It is how the platform is set up (Kubernetes: ndots 5), and the resolver is near and quick.",
            tell_apart="The wasted questions are answered within a millisecond, so that nobody notices.",
        ),
    ),
    confirm=(
        "Read search and ndots of the client's resolver configuration.",
        "Does the application ask for names with a dot at the end? Then the search list is left out.",
    ),
    references=(
        Reference(title="RFC 1536, Common DNS Implementation Errors", url="https://www.rfc-editor.org/rfc/rfc1536"),
        Reference(
            title="RFC 8020, NXDOMAIN: There Really Is Nothing Underneath",
            url="https://www.rfc-editor.org/rfc/rfc8020",
        ),
    ),
    needs=("dns",),
    thresholds={
        "misses": Threshold(20, "questions", "a name that was mistyped once costs a handful"),
        "share": Threshold(0.3, "of the client's questions", "then the search list is what the resolver is busy with"),
    },
    weight=44,
)
def search_list_misses(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client: names that failed and that begin with a name which the same client had answered."""
    dns = c.messages(tables).filter(
        pl.col("response") & pl.col("qname").is_not_null() & pl.col("type").is_in(ADDRESS_TYPES)
    )
    failed = dns.filter(pl.col("rcode") == NXDOMAIN)
    if failed.height < context.limit("misses"):
        return
    made = []
    for (client,), rows in failed.group_by("client", maintain_order=True):
        if rows.height < context.limit("misses"):
            continue
        mine = dns.filter(pl.col("client") == client)
        good = set(mine.filter((pl.col("rcode") == 0) & pl.col("qname").str.contains(r"\..*[a-z]"))["qname"].to_list())
        suffixed = {name: whole for name in rows["qname"].unique().to_list() if (whole := _complete(name, good))}
        missed = rows.filter(pl.col("qname").is_in(list(suffixed)))
        if missed.height >= max(context.limit("misses"), context.limit("share") * mine.height):
            made.append(_draft(missed, mine.height, str(client), suffixed))
    made.sort(key=lambda draft: -len(draft.frames))
    yield from made[: c.MOST_FINDINGS]


def _complete(name: str, good: set[str]) -> str:
    """The name that was answered of which this one is a longer form; empty where there is none."""
    labels = name.split(".")
    return next((whole for n in range(len(labels) - 1, 1, -1) if (whole := ".".join(labels[:n])) in good), "")


def _draft(missed: pl.DataFrame, total: int, client: str, suffixed: dict[str, str]) -> Draft:
    endings = sorted({name[len(whole) + 1 :] for name, whole in suffixed.items()})
    wanted = sorted(set(suffixed.values()))
    servers = missed["server"].unique(maintain_order=True).to_list()
    first, last = c.first_time(missed), c.last_time(missed)
    rows = missed.unique(subset="qname", keep="first", maintain_order=True)
    asked = missed["name"].unique(maintain_order=True).to_list()
    few = len(asked) <= MOST_NAMES
    numbered = c.by_number(c.frames_of(missed))
    return Draft(
        subject=client,
        hosts=(client, *servers[:2]),
        summary=(
            f"{missed.height:,} of {total:,} answers to {client} say that a name does not exist (NXDOMAIN) which is a "
            f"complete name with something behind it ({c.listed([c.cut(e, 60) for e in endings], 4)}), "
            f"{c.minutes(first, last)}: {c.listed([c.cut(w, 60) for w in wanted], 3)}, which "
            f"{'was' if len(wanted) == 1 else 'were'} also asked for as such and answered. A search list puts it there."
        ),
        sentence=(
            f"{client} looked for {c.listed([c.cut(w, 60) for w in wanted], 2)} below its search list "
            f"({c.listed([c.cut(e, 60) for e in endings], 3)}) and was told {missed.height:,} times that there is no "
            "such name"
        ),
        priority="low",
        confidence="high",
        display_filter=c.dns_filter(
            filters.dst(client),
            filters.equals("dns.flags.rcode", NXDOMAIN),
            filters.one_of("dns.qry.type", ADDRESS_TYPES),
            filters.one_of("dns.qry.name", asked),
        )
        if few
        else numbered[0],
        frames=c.frames_of(missed) if few else numbered[1],
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("asked for", "text"),
                ("complete name", "text"),
                ("server", "address"),
            ),
            [
                (r["time"], r["frame"], c.cut(r["qname"], 200), c.cut(suffixed[r["qname"]], 200), r["server"])
                for r in rows.head(c.FIRST_ROWS).iter_rows(named=True)
            ],
            total=rows.height,
        ),
        line_up=("frame.time_relative", "ip.dst", "dns.qry.name", "dns.flags.rcode", "dns.time"),
        time=first,
    )
