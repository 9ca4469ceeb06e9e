"""Did a host ask for an address and get none?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, cut, frame_numbers, number, when
from tshark_report.story.words import clock, listed, took
from tshark_report.tables.tables import Tables

DISCOVERS = Threshold(3, "messages", "a client repeats after 4, 8 and 16 s (RFC 2131); one or two may be lost")
CLIENTS = Threshold(
    3, "clients", "without an answer, where no server answered anybody: the service is down for this link"
)
SHARE = Threshold(25, "percent", "of all packets: then the capture was taken at that client and shows its trouble")

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK = 1, 2, 3, 4, 5, 6


@rule(
    code="NET002",
    name="unanswered-dhcp",
    family="transport",
    title="A host asked for an address by DHCP and got none",
    question="Did a host ask for an address and get none?",
    answers=("Q7",),
    why=(
        "Without an address nothing else works. Either no DHCP server hears the host (wrong VLAN, no relay, "
        "authentication of "
        "the port failed), or its pool is empty, or the server refuses (NAK)."
    ),
    innocent=(
        Innocent(
            explanation=(
                "The server's answer goes to the client alone, and the capture was taken elsewhere on a switched "
                "network."
            ),
            tell_apart=(
                "Then other clients' requests are broadcast too and no answer to them is seen either, yet they work."
            ),
        ),
        Innocent(
            explanation="A device with a fixed address asks for one all the same.",
            tell_apart="It talks with an address in the meantime.",
        ),
    ),
    confirm=("Look in the DHCP server's log for the client's hardware address.", "Capture at the client."),
    references=(
        Reference(title="RFC 2131: Dynamic Host Configuration Protocol", url="https://www.rfc-editor.org/rfc/rfc2131"),
    ),
    needs=("dhcp",),
    thresholds={"discovers": DISCOVERS, "clients": CLIENTS, "share": SHARE},
    weight=26,
)
def unanswered_dhcp(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client without answer, and for each that was refused."""
    four = tables.dhcp.filter(pl.col("protocol") != "DHCPv6") if tables.dhcp.height else tables.dhcp
    four = four.filter(pl.col("client_mac").is_not_null() & pl.col("kind").is_not_null())
    served = four.filter(pl.col("kind").is_in([OFFER, ACK]))["client_mac"].unique()
    asked = four.filter(pl.col("kind").is_in([DISCOVER, REQUEST]) & ~pl.col("client_mac").is_in(served.implode()))
    groups = (
        asked.group_by("client_mac")
        .agg(
            pl.len().alias("n"),
            pl.col("hostname").drop_nulls().first(),
            (pl.col("kind") == DISCOVER).sum().alias("discovers"),
        )
        .filter((pl.col("discovers") >= context.limit("discovers")) & (pl.col("n") >= context.limit("discovers")))
    )
    # Where no server says anything to anybody, it is one event and not one for each client.
    answered = four.filter(pl.col("kind").is_in([OFFER, ACK, NAK]))
    if answered.is_empty() and groups.height >= context.limit("clients"):
        without = _without_address(tables, groups["client_mac"].to_list(), number(asked["time"].min()))
        if len(without) >= context.limit("clients"):
            yield _nobody(asked, without)
            return
    for mac, number_of, name, _ in (
        groups.sort(["n", "client_mac"], descending=[True, False]).head(FINDINGS).iter_rows()
    ):
        rows = asked.filter(pl.col("client_mac") == mac)
        share = 100 * number_of / max(1, tables.packets.height)
        refused = four.filter((pl.col("client_mac") == mac) & (pl.col("kind") == NAK)).height
        priority: Priority = "medium" if share >= context.limit("share") else "low"
        called = f"{mac} ({cut(name, 60)})" if name else mac
        span = number(rows["time"].max()) - number(rows["time"].min())
        frames = frame_numbers(four.filter((pl.col("client_mac") == mac) & pl.col("kind").is_in([DISCOVER, REQUEST])))
        yield Draft(
            subject=mac,
            hosts=(mac,),
            summary=(
                f"{called} asked {count(number_of, 'time')} by DHCP for an address within {took(span)} from "
                f"{clock(number(rows['time'].min()))} UTC and no offer to it is in the capture"
                + (f"; {count(refused, 'refusal')} (NAK) came" if refused else "")
                + "."
            ),
            sentence=f"{called} asked for an address by DHCP {count(number_of, 'time')} and got none",
            priority=priority,
            confidence="medium" if share >= context.limit("share") else "low",
            display_filter=filters.all_of(
                filters.at("dhcp.hw.mac_addr", mac), filters.one_of("dhcp.option.dhcp", (DISCOVER, REQUEST))
            ),
            frames=frames,
            evidence=evidence(
                (("frame", "frame"), ("time", "time"), ("client", "text"), ("name", "text"), ("transaction", "hex")),
                [
                    (r["frame"], when(r["time"]), mac, cut(r["hostname"], 60), f"0x{r['id'] or 0:08x}")
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )


def _without_address(tables: Tables, macs: list[str], since: float) -> list[str]:
    """Clients that did not speak with an address of their own meanwhile, but for one that they gave themselves."""
    spoke = tables.packets.lazy().filter(
        pl.col("eth_src").is_in(macs)
        & (pl.col("time") >= since)
        & pl.col("src").is_not_null()
        & (pl.col("src") != "0.0.0.0")  # noqa: S104 - no socket is bound: the sender has no address yet
        & ~pl.col("src").str.contains(r"^(169\.254\.|fe80:)|^::$")
    )
    busy = set(spoke.select(pl.col("eth_src").unique()).collect()["eth_src"].to_list())
    return [mac for mac in macs if mac not in busy]


def _nobody(rows: pl.DataFrame, macs: list[str]) -> Draft:
    """No DHCP server answered any of several clients."""
    macs = [m for m in rows["client_mac"].unique(maintain_order=True).to_list() if m in macs]
    known = dict(rows.filter(pl.col("hostname").is_not_null()).select("client_mac", "hostname").iter_rows())
    called = [f"{mac} ({cut(known[mac], 60)})" if mac in known else mac for mac in macs]
    first, last = number(rows["time"].min()), number(rows["time"].max())
    return Draft(
        subject="DHCP without an answer",
        hosts=tuple(macs[:10]),
        title="Several hosts asked for an address by DHCP and no server answered any of them",
        summary=(
            f"{count(len(macs), 'client')} asked {count(rows.height, 'time')} by DHCP for an address between "
            f"{clock(first)} and {clock(last)} UTC ({listed(called, 4)}), and the capture holds no offer, "
            "acknowledgement or refusal to anybody: no DHCP server heard them, or none answers on this link."
        ),
        sentence=f"{count(len(macs), 'host')} began to ask for an address by DHCP, and no server answered any of them",
        priority="medium",
        confidence="medium",
        display_filter=filters.one_of("dhcp.option.dhcp", (DISCOVER, REQUEST)),
        frames=frame_numbers(rows),
        evidence=evidence(
            (("frame", "frame"), ("time", "time"), ("client", "text"), ("name", "text"), ("transaction", "hex")),
            [
                (r["frame"], when(r["time"]), r["client_mac"], cut(r["hostname"], 60), f"0x{r['id'] or 0:08x}")
                for r in rows.sort("frame").iter_rows(named=True)
            ],
        ),
    )
