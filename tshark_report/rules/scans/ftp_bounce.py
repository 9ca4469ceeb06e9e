"""Was an FTP server told to connect to somebody else?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, ranges, span
from tshark_report.settings import is_address
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

TARGETS = Threshold(3, "addresses and ports", "a client behind NAT names one wrong address, its own inside one")
LOUD = Threshold(10, "addresses and ports", "from here on it is a search for open ports")


def target_of(command: str | None, argument: str | None) -> tuple[str, int] | None:
    """Address and port that a PORT or EPRT command names (RFC 959, RFC 2428)."""
    command, argument = (command or "").upper(), argument or ""
    if command == "PORT":
        parts = re.findall(r"\d+", argument)
        if len(parts) == 6 and all(int(p) < 256 for p in parts):
            return ".".join(str(int(p)) for p in parts[:4]), int(parts[4]) * 256 + int(parts[5])
    if command == "EPRT" and len(pieces := argument.strip().split(argument.strip()[:1] or "|")) >= 4:
        address, port = pieces[2], pieces[3]
        if is_address(address) and port.isdecimal() and int(port) < 65536:
            return address, int(port)
    return None


@rule(
    code="SCN010",
    name="ftp-bounce",
    family="scans",
    title="An FTP client named other hosts as the target of data connections (FTP bounce)",
    question="Is an FTP server used to reach other hosts?",
    answers=("Q4", "Q6"),
    why="PORT tells the server where to connect to. A client that names a third host lets the server open"
    " connections in its"
    " place: to find open ports behind a firewall, or to send data where it may not go itself.",
    innocent=(
        Innocent(
            explanation="The client sits behind NAT and names its inside address.",
            tell_apart="It is always the same private address, and the port goes up by one.",
        ),
        Innocent(
            explanation="A transfer between two servers that the client steers (FXP).",
            tell_apart="The named address is the other server, the command follows a PASV there, and files are moved.",
        ),
    ),
    confirm=(
        "Which of the commands did the server accept (200) and which data connections did it open (150, 226, 425)?",
    ),
    references=(
        Reference(title="RFC 2577, FTP Security Considerations", url="https://www.rfc-editor.org/rfc/rfc2577"),
        Reference(title="nmap: FTP bounce scan", url="https://nmap.org/book/scan-methods-ftp-bounce-scan.html"),
    ),
    needs=("ftp",),
    thresholds={"targets": TARGETS, "loud": LOUD},
    fields=("ftp.request.command", "ftp.request.arg"),
    weight=55,
)
def ftp_bounce(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server."""
    asked = tables.ftp.filter(pl.col("command").str.to_uppercase().is_in(["PORT", "EPRT"]))
    named: dict[tuple[str, str], list[tuple[int, float, str, str, int]]] = {}
    for row in asked.iter_rows(named=True):
        target = target_of(row["command"], row["argument"])
        if target and row["src"] and target[0] not in (row["src"], row["dst"]):
            named.setdefault((row["src"], row["dst"]), []).append((row["frame"], row["time"], row["argument"], *target))
    for (client, server), rows in list(named.items())[:FINDINGS]:
        targets = {(address, port) for *_, address, port in rows}
        inside = {address for address, _ in targets if context.is_home(address)}
        if len(targets) < context.limit("targets") or (
            len(inside) == 1 == len({a for a, _ in targets}) and context.is_outside(client)
        ):
            continue
        mine = asked.filter((pl.col("src") == client) & (pl.col("dst") == server))
        addresses = list(dict.fromkeys(address for *_, address, _ in rows))
        commands = mine["command"].unique(maintain_order=True).to_list()
        yield Draft(
            subject=f"{client} -> {server}",
            hosts=(client, server, *addresses[:5]),
            summary=f"{client} told the FTP server {server} {span(rows[0][1], rows[-1][1])} in"
            f" {count(len(rows), 'PORT command')} to"
            f" connect to {listed(addresses, 4, 'more hosts')} instead of itself: {count(len(targets), 'target')},"
            " ports"
            f" {ranges([port for _, port in targets])}. An FTP bounce scan looks like this.",
            sentence=f"{client} told the FTP server {server} to connect to {listed(addresses, 3, 'more hosts')} on"
            f" {count(len(targets), 'port')}",
            priority="medium" if len(targets) >= context.limit("loud") or len(addresses) > 1 else "low",
            confidence="medium",
            display_filter=filters.all_of(
                filters.src(client),
                filters.dst(server),
                filters.any_of(*(filters.equals("ftp.request.command", str(c)) for c in commands)),
            ),
            frames=frame_numbers(mine),
            evidence=evidence(
                (("frame", "frame"), ("time", "time"), ("argument", "text"), ("address", "address"), ("port", "port")),
                [list(row) for row in rows],
            ),
        )
