"""What the user expects: findings that the settings cover are left out of the story, and counted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tshark_report.settings import Allowed, Settings
from tshark_report.story.findings import Fired

SERVICE_RULES = frozenset(
    ("tls-on-odd-ports", "http-on-odd-ports", "protocols-on-odd-ports", "clear-text-on-tls-ports")
)
"""Rules that fire on a service being where it is. What is done with an expected service still counts."""


def split(found: Sequence[Fired], settings: Settings) -> tuple[list[Fired], list[str]]:
    """Findings that are not expected, and a line for each that is: hidden, but counted."""
    kept, hidden = [], []
    for each in found:
        reason = _reason(each, settings)
        if reason is None:
            kept.append(each)
        else:
            hidden.append(f"{each.rule.code} {each.rule.name} about {each.draft.subject}: {reason}")
    return kept, hidden


def _reason(each: Fired, settings: Settings) -> str | None:
    for entry in settings.allowed:
        if _matches(each, entry):
            return entry.reason or "expected"
    if each.rule.name in SERVICE_RULES:
        for host, ports in settings.expected_services.items():
            port = next((p for p in ports if _names_port(each, p)), None)
            if host in each.draft.hosts and port is not None:
                return f"{host} is expected to serve port {port}"
    return None


def _names_port(each: Fired, port: int) -> bool:
    return re.search(rf"port == {port}\b", each.draft.display_filter) is not None


def _matches(each: Fired, entry: Allowed) -> bool:
    """Every key that the entry gives must match; an entry without keys matches nothing."""
    if not (entry.code or entry.host or entry.name or entry.port):
        return False
    return (
        entry.code in ("", each.rule.code)
        and (not entry.host or entry.host in each.draft.hosts)
        and (not entry.name or entry.name in each.draft.summary)
        and (entry.port is None or _names_port(each, entry.port))
    )
