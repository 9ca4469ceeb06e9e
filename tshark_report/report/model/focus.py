"""What made the reader look, and what the capture has of it."""

from __future__ import annotations

from tshark_report.report.model.basics import Model, Table


class FocusMatch(Model, frozen=True, kw_only=True):
    """Something that made the reader look, and where it is in the packets."""

    kind: str
    """What it is: address, network, endpoint, port, name, url, sha256, ..., or `alert` or `moment`."""
    value: str
    defanged: str
    source: str
    """Where it was given: `--focus`, or a file and line."""
    note: str = ""
    """What the list says about it, in the list's own words."""
    where: list[str]
    """Where in the packets it stands: `packets`, `DNS questions`, `TLS server names`."""
    remark: str = ""
    """What to know of the match: only named, only the host was compared."""
    count: int = 1
    """Alerts put together; 1 for everything else."""
    hosts: list[str]
    """Who reached it, most telling first."""
    display_filter: str
    matched_packets: int
    filter_checked: bool
    """True where tshark ran the filter on this capture."""
    first_frame: int | None
    last_frame: int | None
    first_time: str | None
    last_time: str | None
    frames: list[int] = []
    """Frames that hold it, at most 200 of them."""


class FocusClient(Model, frozen=True, kw_only=True):
    """A host that the matches lead to: what it exchanged there, then what it did before, after and else."""

    address: str
    named: str
    """Address with the name that the capture shows for it."""
    sentence: str
    """With whom, when, how much each way, and what was fetched or sent."""
    display_filter: str
    matched_packets: int
    filter_checked: bool
    first_frame: int | None
    last_frame: int | None
    first_time: str | None
    last_time: str | None
    conversations: Table
    exchanged: Table
    around: Table
    """The same host shortly before and after."""
    everything: Table
    """All that the host did in this capture, by peer."""
    findings: list[str] = []
    """Findings about the packets of these conversations."""


class FocusMissing(Model, frozen=True, kw_only=True):
    """Something that was looked for and is not in the capture."""

    kind: str
    value: str
    defanged: str
    source: str
    note: str = ""


class FocusHidden(Model, frozen=True, kw_only=True):
    """What could have hidden indicators of one kind."""

    kind: str
    count: int
    reasons: list[str]


class Focus(Model, frozen=True, kw_only=True):
    """What made the reader look, and where it leads."""

    sentence: str
    asked: list[str]
    """What was given, a line for each option or file."""
    matches: list[FocusMatch]
    matches_total: int
    clients: list[FocusClient]
    clients_total: int
    others: Table
    """Other hosts that show the same pattern."""
    missing: list[FocusMissing]
    missing_total: int
    hidden: list[FocusHidden]
    findings: list[str]
    """Findings about what made the reader look; they stand before the others."""
    notes: list[str]
    """What could not be used, and what does not fit the capture."""
