"""What tshark was asked after the rules had run, kept so that a report can be told again without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tshark_report.capture.about import About

if TYPE_CHECKING:
    from tshark_report.report.model import LayerDetail


@dataclass(frozen=True)
class Told:
    """Answers of tshark about one capture's findings."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """Display filter -> packets that it selected."""
    layers: Mapping[int, Sequence[LayerDetail]] = field(default_factory=dict)
    """Frame -> the cited packet, layer by layer."""
    evidence: bytes = b""
    """The packets behind the starting points as a pcapng; empty where they were not asked for."""
    about: About = field(default_factory=About)
    """Makers of network cards, and countries and operators of addresses."""
