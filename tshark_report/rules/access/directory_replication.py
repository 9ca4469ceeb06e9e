"""LAT004: a host asked a domain controller for the directory's secrets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules.access import _rpc
from tshark_report.rules.access._common import MOST_FINDINGS, called, minutes
from tshark_report.rules.access._rpc import Call
from tshark_report.rules.base import Context, Draft, evidence, rule
from tshark_report.story.words import count
from tshark_report.tables.tables import Tables

CONTROLLER_PORTS = (88, 389, 636, 3268)
"""Kerberos and LDAP: what a domain controller serves."""


@rule(
    code="LAT004",
    name="directory-replication",
    family="access",
    title="A host asked a domain controller to replicate the directory",
    question="Did a host that is no domain controller ask for the directory's secrets?",
    answers=(),
    why="DRSGetNCChanges hands out every account's password hashes. Only domain controllers ask for it, of one "
    "another; "
    "from anywhere else it is how the whole directory is taken (DCSync).",
    innocent=(
        Innocent(
            explanation="The source is a domain controller too, or a product that reads the directory this way "
            "(Entra Connect, migration tools).",
            tell_apart="It serves Kerberos and LDAP itself, or is that product's server, and does this every few "
            "minutes all year.",
        ),
    ),
    confirm=(
        "Is the source a domain controller or the synchronisation server?",
        "Look for event 4662 with the replication rights on the controller, and for the account used.",
        "If neither: every password of the domain is known; change krbtgt twice.",
    ),
    references=(
        Reference(title="ATT&CK T1003.006 DCSync", url="https://attack.mitre.org/techniques/T1003/006/"),
        Reference(
            title="[MS-DRSR] IDL_DRSGetNCChanges",
            url="https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-drsr/",
        ),
    ),
    needs=("dcerpc",),
    thresholds={},
    weight=93.0,
)
def directory_replication(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each pair of hosts."""
    groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in _rpc.calls(tables, "copy"):
        groups[call.client, call.server].append(call)
    served = tables.tcp_sessions.filter(pl.col("server_port").is_in(CONTROLLER_PORTS) & pl.col("established"))["server"]
    answered = tables.udp_flows.filter(pl.col("server_port").is_in(CONTROLLER_PORTS) & (pl.col("server_packets") > 0))[
        "server"
    ]
    controllers = set(served.to_list()) | set(answered.to_list()) | {server for _, server in groups}
    drafts = []
    for (client, server), made in groups.items():
        known = client in controllers
        priority: Priority = "info" if known else "high"
        confidence: Confidence = "medium"
        filter_, frames = _rpc.selection(tables, client, server, made)
        also = (
            f" {client} is a domain controller itself by what it serves, so this is replication."
            if known
            else f" Nothing in this capture shows {client} serving Kerberos or LDAP, as a domain controller would."
        )
        drafts.append(
            Draft(
                subject=f"{client} to {server}",
                hosts=(client, server),
                summary=(
                    f"{client} called DRSGetNCChanges (DRSUAPI, operation 3) {count(len(made), 'time')} on "
                    f"{called(context, server)}, "
                    f"{minutes(made[0].time, made[-1].time)}: a request for directory objects with their password "
                    f"hashes.{also}"
                ),
                sentence=f"{client} asked {called(context, server)} to replicate the directory to it (DRSGetNCChanges)",
                priority=priority,
                confidence=confidence,
                display_filter=filter_,
                frames=frames,
                evidence=evidence(
                    (
                        ("time", "time"),
                        ("frame", "frame"),
                        ("client", "address"),
                        ("server", "address"),
                        ("call", "text"),
                    ),
                    [[c.time, c.frame, c.client, c.server, c.known.name] for c in made],
                ),
                time=made[0].time,
            )
        )
    drafts.sort(key=lambda draft: (draft.priority != "high", draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]
