"""What a port is for: its registered name, other known uses, and where they are documented."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tshark_report.knowledge import load
from tshark_report.story.services import known_uses, service_name
from tshark_report.trends.model import Uses


def uses(key: str) -> Uses | None:
    """Of `tcp/5358`; None where nothing is known of it."""
    transport, _, number = key.partition("/")
    port = int(number)
    entry = _entry(transport, port)
    # The system's table of services may be missing, as in small containers.
    service = service_name(transport, port) or str(entry.get("service", ""))
    known = known_uses(transport, port)
    sources = load("ports")["sources"]
    references = [str(sources[name]) for name in entry.get("source", []) if name in sources]
    return Uses(service=service, known=known, references=references) if service or known else None


@lru_cache(maxsize=1024)
def _entry(transport: str, port: int) -> dict[str, Any]:
    found = (e for e in load("ports")["port"] if e["number"] == port and transport in e["transport"])
    return next(found, {})
