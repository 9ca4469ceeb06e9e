"""LAT005: a machine account was authenticated again and again over Netlogon."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules.access import _rpc
from tshark_report.rules.access._common import MOST_FINDINGS, called, dense, minutes
from tshark_report.rules.access._rpc import Call
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

PASSWORD_SET = (6, 30)
AUTHENTICATE = (5, 15, 26)


@rule(
    code="LAT005",
    name="machine-account-logins",
    family="access",
    title="A machine account was authenticated again and again over Netlogon",
    question="Was a domain controller's Netlogon tried with the same empty challenge until it gave in?",
    answers=(),
    why="CVE-2020-1472 (Zerologon) needs about 256 tries of NetrServerReqChallenge and NetrServerAuthenticate with "
    "zeros, then "
    "one NetrServerPasswordSet2 that empties the controller's password.",
    innocent=(
        Innocent(
            explanation="A machine whose account is broken in the domain tries again.",
            tell_apart="A few tries with minutes between them, from that machine, for its own name.",
        ),
        Innocent(
            explanation="A vulnerability scanner tests for the flaw.",
            tell_apart="It comes from the scanner and sets no password.",
        ),
    ),
    confirm=(
        "Look for events 5805, 5723 and 4742 (computer account changed) on the controller.",
        "Is the controller patched, and can it still talk to its partners?",
    ),
    references=(
        Reference(title="CVE-2020-1472 (Zerologon)", url="https://nvd.nist.gov/vuln/detail/CVE-2020-1472"),
        Reference(
            title="ATT&CK T1210 Exploitation of Remote Services", url="https://attack.mitre.org/techniques/T1210/"
        ),
    ),
    needs=("dcerpc",),
    thresholds={
        "tries": Threshold(10, "authentication calls", "a machine authenticates once or twice when it starts"),
        "window": Threshold(300, "seconds", "the flaw needs tries by the hundred, sent as fast as the server answers"),
    },
    weight=93.0,
)
def machine_account_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each pair of hosts."""
    groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in _rpc.calls(tables, "authenticate"):
        groups[call.client, call.server].append(call)
    drafts = []
    need = int(context.limit("tries"))
    for (client, server), made in groups.items():
        tries = [c for c in made if c.opnum in AUTHENTICATE]
        sets = [c for c in made if c.opnum in PASSWORD_SET]
        times = [c.time for c in tries]
        if not dense(times, need, context.limit("window")):
            continue
        priority: Priority = "high"
        filter_, frames = _rpc.selection(tables, client, server, made)
        end = (
            f" {count(len(sets), 'NetrServerPasswordSet call')} followed {minutes(sets[0].time, sets[-1].time)}."
            if sets
            else " No password was set."
        )
        drafts.append(
            Draft(
                subject=f"{client} to {server}",
                hosts=(server, client),
                summary=(
                    f"{client} called NetrServerAuthenticate {count(len(tries), 'time')} on "
                    f"{called(context, server)} in "
                    f"{duration(times[-1] - times[0])}, {minutes(times[0], times[-1])}, as in Zerologon "
                    f"(CVE-2020-1472).{end}"
                ),
                sentence=f"{client} tried to authenticate a machine account {count(len(tries), 'time')} on "
                f"{called(context, server)} over Netlogon",
                priority=priority,
                confidence="high" if len(tries) >= 5 * need or sets else "medium",
                display_filter=filter_,
                frames=frames,
                evidence=evidence(
                    (("time", "time"), ("frame", "frame"), ("call", "text"), ("operation", "count")),
                    [[c.time, c.frame, c.known.name, c.opnum] for c in [*sets, *made]],
                    len(made),
                ),
                time=times[0],
            )
        )
    drafts.sort(key=lambda draft: -len(draft.frames))
    yield from drafts[:MOST_FINDINGS]
