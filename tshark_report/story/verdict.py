"""One sentence for the ticket: where the trouble is, with the numbers behind it - or that nothing stands out."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from tshark_report.report.model import Finding, Layer, TransportHealth, Verdict
from tshark_report.story.findings import at_least
from tshark_report.story.words import count, listed, took, verb

APPLICATION = (
    "slow-answers",
    "late-greetings",
    "http-errors",
    "ftp-errors",
    "mail-errors",
    "smb-errors",
    "sip-errors",
    "tls-alerts",
    "slow-questions",
    "slow-resolvers",
    "unanswered-queries",
)
TRANSPORT = (
    "resent-segments", "late-handshakes", "unacknowledged-data", "zero-windows", "full-windows", "broken-connections",
    "half-open-connections",
    "unrepaired-gaps",
)  # fmt: skip
NETWORK = (
    "unanswered-connections", "refused-connections", "grown-round-trips", "long-round-trips", "lost-large-segments",
    "unreachable-destinations", "smaller-path-mtu", "exceeded-ttl", "redirects", "unanswered-dhcp",
    "unanswered-datagrams", "lossy-calls", "refused-leases",
)  # fmt: skip
LINK = (
    "unanswered-arp", "doubled-packets", "deauthentication-bursts", "failed-wlan-logins", "repeated-wlan-frames",
)  # fmt: skip
LAYERS: dict[str, Layer] = {
    **dict.fromkeys(APPLICATION, "application"),
    **dict.fromkeys(TRANSPORT, "transport"),
    **dict.fromkeys(NETWORK, "network"),
    **dict.fromkeys(LINK, "link"),
}
"""Rule names -> the layer at which their trouble sits. A refused or unanswered connection is the network's as long as
nothing shows whether a program, a filter or a route is missing."""

TELLING = frozenset(
    ("resent-segments", "late-handshakes", "unacknowledged-data", "zero-windows", "full-windows", "slow-answers",
     "unanswered-connections", "grown-round-trips", "long-round-trips", "lost-large-segments", "unanswered-arp",
     "unanswered-dhcp", "doubled-packets", "refused-connections", "exceeded-ttl", "failed-wlan-logins",
     "unrepaired-gaps", "late-greetings", "slow-questions", "slow-resolvers", "unanswered-queries",
     "unanswered-datagrams", "lossy-calls", "repeated-wlan-frames")
)  # fmt: skip
"""Rules whose low-priority findings still say at which layer the trouble is, where nothing higher was found."""

SHARE_OF_LOSS = 0.5
"""Percent of TCP packets sent again below which the wire is called unremarkable: long paths lose that much on an
ordinary day."""

NOTHING = "Nothing in this capture stands out"


def verdict(findings: Sequence[Finding], health: TransportHealth) -> Verdict:
    """From the findings in rank order and the transport's numbers."""
    loud = [f for f in findings if at_least(f.priority, "medium")]
    trouble = [f for f in loud if f.name in LAYERS]
    if loud and loud[0].name not in LAYERS:
        return _not_performance(loud, trouble, health)
    if trouble:
        return _performance(trouble, health)
    quiet = [f for f in findings if f.priority == "low" and f.name in TELLING]
    if quiet:
        return _minor(quiet, health)
    low = [f for f in findings if f.priority == "low"]
    calm = "Neither application nor transport stands out. " if health.tcp_packets else ""
    return Verdict(headline=_nothing(low), layer="none", reason=f"{calm}{health.sentence}")


def _nothing(low: Sequence[Finding]) -> str:
    if not low:
        return f"{NOTHING}."
    return f"{NOTHING}; {count(len(low), 'finding')} of low priority {verb(len(low), 'is', 'are')} listed."


def _about(finding: Finding) -> str:
    host = finding.hosts[0] if finding.hosts else finding.subject
    title = finding.title.strip().rstrip(".")
    return f"{host}: {title}."


def _first_sentence(text: str) -> str:
    """Up to the first full stop that a space follows: addresses and numbers hold stops too."""
    text = text.strip()
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


def _numbers(health: TransportHealth) -> str:
    """The figures that speak for or against the other layers."""
    if not health.tcp_packets:
        return "There is no TCP in this capture, so the transport cannot be judged."
    total = count(health.tcp_packets, "TCP packet")
    share = f"{health.retransmission_percent:.2g} %"
    parts = [
        f"{health.retransmissions:,} of {total} sent again ({share})"
        if health.retransmissions
        else f"none of {total} was sent again"
    ]
    rtts = [p.rtt_s for p in health.paths if p.rtt_s is not None]
    if rtts:
        parts.append(f"handshake round trip {took(median(rtts))} (median of paths)")
    thinks = [p.server_think_s for p in health.paths if p.server_think_s is not None]
    if thinks:
        parts.append(f"servers' time for an answer {took(median(thinks))} (median of paths)")
    if health.zero_windows:
        parts.append(count(health.zero_windows, "zero window"))
    return "; ".join(parts) + "."


def _performance(trouble: Sequence[Finding], health: TransportHealth) -> Verdict:
    lead = trouble[0]
    layer = LAYERS[lead.name]
    others = [f for f in trouble[1:] if LAYERS[f.name] != layer and f.priority == lead.priority]
    # Loss makes servers look slow, and a full receiver makes the wire look slow: then the evidence does not part them.
    both = layer == "application" and any(f.name in ("resent-segments", "zero-windows") for f in others)
    words = {
        "application": "The time goes to the application",
        "transport": "The trouble is in the transport",
        "network": "The trouble is in the network",
        "link": "The trouble is on the link",
    }
    reason = f"{words[layer]}: {_first_sentence(lead.summary)}"
    if both:
        layer, reason = "undecided", f"Application and transport both show trouble: {_first_sentence(lead.summary)}"
    reason = f"{reason} The whole capture: {_numbers(health)}"
    if layer == "application" and health.retransmission_percent < SHARE_OF_LOSS and not health.zero_windows:
        reason += " The transport does not stand out."
    if others:
        names = list(dict.fromkeys(f"{f.title.strip().rstrip('.')} ({LAYERS[f.name]})" for f in others))
        reason += f" Also seen: {listed(names, 3)}."
    return Verdict(headline=_about(lead), layer=layer, reason=reason)


def _minor(quiet: Sequence[Finding], health: TransportHealth) -> Verdict:
    lead = quiet[0]
    title = lead.title.strip().rstrip(".")
    return Verdict(
        headline=f"{NOTHING}; the most telling of the small things: {title}.",
        layer=LAYERS[lead.name],
        reason=f"{_first_sentence(lead.summary)} The whole capture: {_numbers(health)}",
    )


def _tally(loud: Sequence[Finding]) -> str:
    """How many findings of which priority; what they say stands in the starting points."""
    parts = []
    for priority in ("high", "medium"):
        number = sum(1 for f in loud if f.priority == priority)
        if number:
            parts.append(f"{count(number, 'finding')} of {priority} priority")
    hosts = list(dict.fromkeys(f.hosts[0] for f in loud if f.hosts))
    return listed(parts, 2) + (f", about {listed(hosts, 3)}" if hosts else "")


def _not_performance(loud: Sequence[Finding], trouble: Sequence[Finding], health: TransportHealth) -> Verdict:
    lead = loud[0]
    reason = f"What stands out is not a question of speed: {_tally(loud)}."
    if trouble:
        reason += (
            f" The {LAYERS[trouble[0].name]} shows trouble too ({trouble[0].title.strip().rstrip('.')}), which may be "
            "part of it or another matter."
        )
        return Verdict(headline=_about(lead), layer="undecided", reason=f"{reason} {_numbers(health)}")
    calm = "Neither application nor transport stands out: " if health.tcp_packets else ""
    return Verdict(
        headline=_about(lead),
        layer="none",
        reason=f"{reason} {calm}{_numbers(health)}",
    )
