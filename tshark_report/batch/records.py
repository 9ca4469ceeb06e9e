"""What passes between the parts of a batch, and the records that it keeps in its output as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from tshark_report.capture.dissect import Options
from tshark_report.focus.asked import Asked
from tshark_report.report.model import PRIORITIES, Confidence, Layer, Priority, Ticket
from tshark_report.settings import Settings

RECORD_VERSION = 1
"""Version of the records below. Another version makes every capture be read again."""

Kind = Literal["host", "name", "indicator", "certificate", "user-agent", "sha256"]
KINDS: tuple[Kind, ...] = ("indicator", "sha256", "certificate", "user-agent", "name", "host")
"""What is compared across captures, the more telling first."""

Format = Literal["html", "pdf", "json", "md", "indicators"]
FORMATS: tuple[Format, ...] = ("html", "pdf", "json", "md", "indicators")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that is kept as JSON. Unknown fields are ignored, so that a newer record can be read."""


class Part(Record, frozen=True, kw_only=True):
    """One file of a recording that was joined from several; frames are numbered in the joined recording."""

    path: str
    sha256: str
    first_frame: int
    last_frame: int


class Point(Record, frozen=True, kw_only=True):
    """A starting point, as far as the index and the stories over several captures need it."""

    rank: int
    host: str
    mac: str = ""
    home: bool = False
    headline: str
    story: str
    priority: Priority
    confidence: Confidence
    first_time: str | None = None
    last_time: str | None = None
    codes: list[str] = []


class Summary(Record, frozen=True, kw_only=True):
    """What the index says about one capture. It is the last thing written: where it is, the report is whole."""

    record_version: int
    key: str
    """Fingerprint of options, tool and tshark: the report is made again where it is another."""
    id: str
    """First 16 hexadecimal digits of the content's SHA-256."""
    sha256: str
    file_name: str
    file_bytes: int
    packets: int
    first_time: str | None
    last_time: str | None
    duration_s: float
    truncated: bool
    headline: str
    layer: Layer
    findings: dict[str, int]
    """Priority -> number of findings."""
    points: list[Point]
    unchecked: int
    """Checks that could not be made or failed."""
    files: list[str]
    """Names of the files beside this one, the page to open first."""
    parts: list[Part] = []
    asked_for: list[str] = []
    """What `--focus`, `--ioc` and `--alerts` look for and this capture holds, defanged; a few of `asked_total`."""
    asked_total: int = 0
    seen_cut: dict[str, int] = {}
    """Kind -> number of values that were left out of `seen.json`."""

    @property
    def worst(self) -> Priority | None:
        """Highest priority of a finding."""
        for priority in PRIORITIES:
            if self.findings.get(priority):
                return priority
        return None


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A value that may turn up in other captures too. Times in seconds since 1970; `priority` of a finding about it."""

    kind: Kind
    value: str
    first: float
    last: float
    packets: int
    priority: str = ""


class Failure(Record, frozen=True, kw_only=True):
    """A capture of which there is no report, and why."""

    id: str
    path: str
    file_bytes: int = 0
    what: str
    detail: str = ""
    causes: list[str] = []
    next_step: str = ""
    exit_code: int = 4
    tries: int = 1


class Paths(Record, frozen=True, kw_only=True):
    """Where a content was found: path or URL -> what the storage says of it (ETag or the like; "" for local files)."""

    at: dict[str, str]


@dataclass(frozen=True)
class Given:
    """A file that an option names."""

    option: Literal["keylog", "baseline", "expect", "ioc", "alerts"]
    name: str
    data: bytes


@dataclass(frozen=True)
class Job:
    """What is the same for every capture of a batch; it goes to the workers as it is."""

    formats: tuple[Format, ...] = ("html", "json")
    options: Options = field(default_factory=Options)
    settings: Settings = field(default_factory=Settings)
    ticket: Ticket = field(default_factory=Ticket)
    paper: str = "A4"
    flavour: str = "github"
    templates: Path | None = None
    tables: bool = True
    tshark: str | None = None
    timeout: float | None = None
    focus: Asked = field(default_factory=Asked)
    """What made the reader look, but for its lists and alert files."""
    files: tuple[Given, ...] = ()
    """Files that options name. They go along as content: workers on other machines do not see them."""
    tool_version: str = ""
    tshark_version: str = ""
    key: str = ""


@dataclass(frozen=True)
class Work:
    """One capture to be read; several files where they are one recording."""

    id: str
    """As in Summary; "" where only the worker will know, because the content lies in remote storage."""
    sha256: str
    files: tuple[str, ...]
    name: str
    """File name that the report shows."""
    bytes: int
    cores: int = 1
    folder: str = ""
    """Name of its folder in the output; "" where the id is not known yet."""
    known: dict[str, tuple[str, str]] = field(default_factory=dict)
    """For content that is not hashed yet: id -> key and folder of what the output holds."""


@dataclass(frozen=True)
class Outcome:
    """How one capture ended: a summary or a failure. `again` says that another try may help."""

    summary: Summary | None = None
    failure: Failure | None = None
    again: bool = False
    kept: bool = False
    """The report was there already (found out by the worker)."""
    folder: str = ""
    """Name of the report's folder."""


@dataclass(frozen=True)
class Started:
    """A worker has begun."""

    work: Work


@dataclass(frozen=True)
class Stage:
    """A worker says what it is doing; `share` of it is done (0 to 1)."""

    work: Work
    what: str
    share: float


@dataclass(frozen=True)
class Finished:
    """A capture is done with, well or not."""

    work: Work
    outcome: Outcome
    tries: int
    seconds: float


Event = Started | Stage | Finished
