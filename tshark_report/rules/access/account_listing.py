"""LAT006: one host listed accounts, sessions or shares of others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access import _rpc
from tshark_report.rules.access._common import MOST_FINDINGS, called, minutes, ordered
from tshark_report.rules.access._rpc import Call
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables


@rule(
    code="LAT006",
    name="account-listing",
    family="access",
    title="One host listed accounts, sessions or shares of others",
    question="Was the network surveyed for accounts, logged-on users or shares?",
    answers=(),
    why="Before moving on, somebody asks which users, groups, sessions and shares there are (SAMR, SRVSVC, WKSSVC).",
    innocent=(
        Innocent(
            explanation="Explorer shows a server's shares, or an administrator opens a user list.",
            tell_apart="One or two servers, one or two kinds of calls.",
        ),
        Innocent(
            explanation="Inventory and monitoring ask every host.",
            tell_apart="The source is that product's server, day after day.",
        ),
    ),
    confirm=("Which program on that host asked, under which account?", "Did logins at the hosts it asked follow?"),
    references=(
        Reference(title="ATT&CK T1087 Account Discovery", url="https://attack.mitre.org/techniques/T1087/"),
        Reference(title="ATT&CK T1135 Network Share Discovery", url="https://attack.mitre.org/techniques/T1135/"),
    ),
    needs=("dcerpc",),
    thresholds={
        "servers": Threshold(5, "servers", "people look at one or two servers; surveys ask all"),
        "calls": Threshold(50, "calls", "a user list in a management console takes fewer"),
    },
    weight=44.0,
)
def account_listing(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client."""
    groups: dict[str, list[Call]] = defaultdict(list)
    for call in _rpc.calls(tables, "list"):
        groups[call.client].append(call)
    drafts = []
    for client, made in groups.items():
        servers = list(dict.fromkeys(c.server for c in made))
        priority: Priority
        if len(servers) >= context.limit("servers"):
            priority = "medium"
        elif len(made) >= context.limit("calls"):
            priority = "low"
        else:
            continue
        names = Counter(f"{c.known.protocol} {c.known.name}" for c in made)
        parts, frames = [], []
        for server in servers[:20]:
            filter_, selected = _rpc.selection(tables, client, server, [c for c in made if c.server == server])
            parts.append(filter_)
            frames += selected
        drafts.append(
            Draft(
                subject=client,
                hosts=(client, *servers[:6]),
                summary=(
                    f"{client} made {count(len(made), 'call')} that list accounts, sessions or shares on "
                    f"{count(len(servers), 'host')} "
                    f"({listed([called(context, s) for s in servers], 4)}), {minutes(made[0].time, made[-1].time)}: "
                    f"{listed([f'{n} ({k} times)' for n, k in names.most_common(4)], 4)}."
                ),
                sentence=f"{client} listed accounts, sessions or shares on {count(len(servers), 'host')}",
                priority=priority,
                confidence="medium",
                display_filter=filters.any_of(*parts),
                frames=ordered(frames),
                evidence=evidence(
                    (("server", "address"), ("calls", "count"), ("first frame", "frame"), ("what", "text")),
                    [
                        [s, len(m), m[0].frame, ", ".join(sorted({c.known.name for c in m}))[:100]]
                        for s in servers
                        for m in [[c for c in made if c.server == s]]
                    ],
                ),
                time=made[0].time,
            )
        )
    drafts.sort(key=lambda draft: -len(draft.frames))
    yield from drafts[:MOST_FINDINGS]
