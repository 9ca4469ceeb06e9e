"""Values of a finding that are worth searching for elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args, get_type_hints

from tshark_report.report.model import Finding, Indicator
from tshark_report.story.findings import Fired

MOST = 200
KINDS = frozenset(get_args(get_type_hints(Indicator)["type"]))


def defang(kind: str, value: str) -> str:
    """A value that no program takes for a link: `203[.]0[.]113[.]9`, `hxxp://shop[.]example/x`."""
    if kind in ("sha256", "ja3", "user-agent", "certificate", "mac"):
        return value
    made = value.replace("http://", "hxxp://").replace("https://", "hxxps://").replace("ftp://", "fxp://")
    head, slash, rest = made.partition("/") if "://" not in made else _after_host(made)
    return head.replace(".", "[.]").replace("@", "[@]") + slash + rest


def _after_host(url: str) -> tuple[str, str, str]:
    scheme, _, behind = url.partition("://")
    host, slash, path = behind.partition("/")
    return f"{scheme}://{host}", slash, path


def indicators(found: Sequence[Fired], findings: Mapping[str, Finding]) -> list[Indicator]:
    """Indicators of all findings of medium or high priority, each value once, with the finding it comes from."""
    made: dict[tuple[str, str], Indicator] = {}
    for each in found:
        if each.draft.priority not in ("high", "medium"):
            continue
        for kind, value in each.draft.indicators:
            if kind in KINDS and value and (kind, value) not in made and len(made) < MOST:
                made[kind, value] = Indicator(
                    type=kind,  # type: ignore[arg-type]
                    value=value,
                    defanged=defang(kind, value),
                    finding=findings[each.id].id,
                    note=findings[each.id].title,
                )
    return list(made.values())
