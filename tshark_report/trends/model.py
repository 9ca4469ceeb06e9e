"""What trends found, as data: trends.json is this and nothing else, and the other outputs read only this.

Times are UTC, ISO 8601; text from the wire is raw, escaping is the renderers' work.
"""

from __future__ import annotations

from typing import Literal

from tshark_report.report.model import Model

SCHEMA_VERSION = 1

Kind = Literal["port", "protocol", "client", "server", "name"]
Step = Literal["hour", "day", "file"]


class Maker(Model, frozen=True, kw_only=True):
    """The program that counted."""

    name: str
    version: str


class Bucket(Model, frozen=True, kw_only=True):
    """One hour, day or file."""

    label: str
    start: str
    """Its beginning; of a file, its first packet."""
    captures: int
    packets: int
    covered_s: float
    """Seconds of it that captures cover, overlapping ones counted once."""


class Series(Model, frozen=True, kw_only=True):
    """Numbers for each bucket: how often, from how many addresses, to how many."""

    records: list[int]
    sources: list[int]
    targets: list[int]


class Uses(Model, frozen=True, kw_only=True):
    """What a port is for: its registered name, other known uses, and where they are documented."""

    service: str = ""
    known: str = ""
    references: list[str] = []


class Sample(Model, frozen=True, kw_only=True):
    """One conversation, question or packet to look at first."""

    capture: str
    file_name: str
    frame: int
    time: str
    src: str
    src_port: int | None
    dst: str
    dst_port: int | None
    note: str


class PayloadStart(Model, frozen=True, kw_only=True):
    """How payloads begin: at most the first 32 bytes, and how often just so."""

    direction: Literal["sent", "received"]
    """As the client sees it."""
    hex: str
    text: str
    times: int
    hosts: int
    """Different addresses that sent it."""
    capture: str
    file_name: str = ""
    frame: int


class Place(Model, frozen=True, kw_only=True):
    """A capture that holds some of it, and the command that cuts its packets out."""

    capture: str
    file_name: str
    records: int
    command: str


class Harmless(Model, frozen=True, kw_only=True):
    """A harmless event that would look the same, and what tells it apart."""

    explanation: str
    tell_apart: str


class Grown(Model, frozen=True, kw_only=True):
    """Something that broke out of its own past, and of its share of everything."""

    kind: Kind
    key: str
    title: str
    story: str
    onset: int
    """Place in `buckets` of the first bucket that stands out."""
    peak: int
    """Place of the bucket from then on with most records."""
    before_median: float
    """Records in the buckets before the onset, median."""
    before_most: int
    count_score: float
    """Robust z-score of the records at the onset against the buckets before."""
    share_score: float
    """Robust z-score of the share of all records at the onset against the buckets before."""
    share_before: float
    share_at_peak: float
    first_seen: str
    last_seen: str
    series: Series
    unanswered: int | None = None
    """Conversations from the onset on that nobody answered; null where this is not counted."""
    refused: int | None = None
    uses: Uses | None = None
    harmless: list[Harmless]
    samples: list[Sample]
    payloads: list[PayloadStart]
    display_filter: str
    places: list[Place]
    places_total: int
    takes_part: list[str] = []
    """Hosts and protocols that grew with it and would not have without it, as `client 10.0.0.1`."""
    takes_part_total: int = 0


class Passed(Model, frozen=True, kw_only=True):
    """Something that grew and is not raised, with the reason."""

    kind: Kind
    key: str
    reason: Literal["grew with the total", "was as high before"]
    sentence: str


class FirstSeen(Model, frozen=True, kw_only=True):
    """Something that the last bucket holds and none before."""

    kind: Kind
    key: str
    records: int
    sources: int
    targets: int
    first_seen: str


class Counted(Model, frozen=True, kw_only=True):
    """How many different things of a kind were counted, and records of all of them in each bucket."""

    kind: Kind
    what: str
    keys: int
    records: list[int]
    grown: int
    passed: int
    first_seen: int


class Trends(Model, frozen=True, kw_only=True):
    """Everything that trends says."""

    schema_version: int
    tool: Maker
    generated: str
    source: str
    step: Step
    buckets: list[Bucket]
    history: int
    """Buckets that must lie before one that is judged."""
    headline: str
    counted: list[Counted]
    grown: list[Grown]
    passed: list[Passed]
    passed_total: int
    first_seen: list[FirstSeen]
    notes: list[str]
