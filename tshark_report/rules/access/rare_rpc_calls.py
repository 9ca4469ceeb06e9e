"""EXP002: DCE/RPC calls that hardly anybody makes over a network."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules.access import _rpc
from tshark_report.rules.access._common import MOST_FINDINGS, called, later_sessions, minutes
from tshark_report.rules.access._rpc import Call
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import duration, listed
from tshark_report.tables.tables import Tables


@rule(
    code="EXP002",
    name="rare-rpc-calls",
    family="access",
    title="A host made an RPC call that hardly anybody makes over a network",
    question="Was a flaw of a Windows service probed or used over DCE/RPC?",
    answers=(),
    why="Some operations are only called locally or by set-up. Over a network, and with far more data than their "
    "arguments "
    "need, they are known from exploits; a new connection between the same hosts right after says that it worked.",
    innocent=(
        Innocent(
            explanation="A vulnerability scanner or a management tool tries the call.",
            tell_apart="Small requests, from the scanner's address, and nothing follows.",
        ),
        Innocent(
            explanation="Printing: the spooler's notifications between print server and clients.",
            tell_apart="The call comes from a host that prints there, over and over, and names that host itself.",
        ),
    ),
    confirm=(
        "Is the server patched for the advisory named?",
        "Which new connections, processes or logins followed on the server within the minute?",
    ),
    references=(
        Reference(
            title="ATT&CK T1210 Exploitation of Remote Services", url="https://attack.mitre.org/techniques/T1210/"
        ),
        Reference(title="ATT&CK T1187 Forced Authentication", url="https://attack.mitre.org/techniques/T1187/"),
    ),
    needs=("dcerpc",),
    thresholds={
        "large": Threshold(
            1400, "bytes", "an ordinary activation request fits into one segment; the overflows carry their code in it"
        ),
        "small": Threshold(300, "bytes", "a call with ordinary arguments; code does not fit into it"),
        "follow": Threshold(60, "seconds", "what an exploit opens is used at once"),
    },
    weight=94.0,
)
def rare_rpc_calls(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each pair of hosts."""
    groups: dict[tuple[str, str], list[tuple[Call, int]]] = defaultdict(list)
    for call in _rpc.calls(tables, "rare", "coerce", "large"):
        sent = _rpc.request_bytes(tables, call)
        if call.known.use == "large" and sent < context.limit("large"):
            continue
        groups[call.client, call.server].append((call, sent))
    drafts = [_draft(tables, context, pair, made) for pair, made in groups.items()]
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, pair: tuple[str, str], made: list[tuple[Call, int]]) -> Draft:
    client, server = pair
    calls = [c for c, _ in made]
    first, last = calls[0].time, calls[-1].time
    largest = max(n for _, n in made)
    after = [
        s
        for s in later_sessions(tables, client, server, first, context.limit("follow"))
        if s["server_port"] not in (135, 139, 445, 49664, 49665, 49666, 49667, 49668, 49669) and s["established"]
    ]
    coerced = all(c.known.use == "coerce" for c in calls)
    back = [s for s in later_sessions(tables, client, server, first, context.limit("follow")) if s["client"] == server]
    priority: Priority = "high" if (after and largest >= context.limit("large")) or (coerced and back) else "medium"
    if largest >= context.limit("large") and any(c.known.use == "rare" for c in calls):
        priority = "high"
    elif priority == "medium" and not coerced and largest < context.limit("small"):
        priority = "low"
    confidence: Confidence = "high" if priority == "high" and (after or back) else "medium"
    if coerced and not back:
        priority = "low" if calls[0].known.protocol == "SPOOLSS" else "medium"
    names = Counter(f"{c.known.protocol} {c.known.name} (operation {c.opnum})" for c in calls)
    told = listed([f"{n}{'' if k == 1 else f' {k} times'}" for n, k in names.most_common(3)])
    reasons = listed(list(dict.fromkeys(c.known.why for c in calls)), 2)
    port = calls[0].port
    follow = ""
    if after:
        parts = [f"{s['client']} to {s['server']} port {s['server_port']}" for s in after[:4]]
        follow = (
            f" Within {duration(max(float(str(s['start'])) - first for s in after[:4]))} new connections "
            f"followed: {listed(parts, 4)}."
        )
    elif back and coerced:
        follow = f" {server} then connected back to {client} port {back[0]['server_port']}."
    over = "SMB, LSASS" if calls[0].known.protocol in ("DSSETUP",) else "SMB" if port in (139, 445) else "DCE/RPC"
    summary = (
        f"{client} called {told} on {called(context, server)} port {port} ({over}), {minutes(first, last)}, with "
        f"{largest:,} bytes: "
        f"{reasons}.{follow}"
    )
    filter_, frames = _rpc.selection(tables, client, server, calls)
    return Draft(
        subject=f"{client} to {server}",
        hosts=(server, client),
        summary=summary,
        sentence=f"{client} called {calls[0].known.name} on {called(context, server)} port {port} over "
        f"{over.split(',')[0]} with {largest:,} bytes",
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("call", "text"),
                ("interface", "text"),
                ("operation", "count"),
                ("bytes sent", "bytes"),
            ),
            [[c.time, c.frame, c.known.name, c.known.protocol, c.opnum, n] for c, n in made],
        ),
        title="A server was asked to log in elsewhere"
        if coerced
        else "An RPC call known from advisories was made over the network",
        time=first,
    )
