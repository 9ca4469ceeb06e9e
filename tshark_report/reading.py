"""What a user asked for, and the capture read into tables: the part of the job that loads no rules and no renderers.

They take longer to import than tshark takes to read a small capture, so the command line imports them meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tshark_report import scratch as scratch_folders
from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import Loaded, Progress, load
from tshark_report.capture.tshark import Tshark
from tshark_report.focus.asked import Asked
from tshark_report.report import model
from tshark_report.settings import Settings

Opened = tuple[Loaded, Tshark, Path, dict[str, str]]
"""The capture, the tshark that read it, the scratch folder, and tshark's environment."""


@dataclass(frozen=True)
class Request:
    """What a user asked for, as far as it changes what is in the report."""

    capture: Path
    options: Options = field(default_factory=Options)
    settings: Settings = field(default_factory=Settings)
    ticket: model.Ticket = field(default_factory=model.Ticket)
    tshark: str | None = None
    timeout: float | None = None
    baseline: Path | None = None
    """A baseline that the capture is held against; see tshark_report.normal."""
    expect: Path | None = None
    """What a person expects to see; see tshark_report.expect."""
    focus: Asked = field(default_factory=Asked)
    """What made the reader look; see tshark_report.focus."""
    keep_files: bool = False
    """Leave carried files in the scratch folder, for `--keep-files`."""
    jobs: int | None = None
    """tsharks, and rules of a large capture, that may run at once; None: as many as there are processors."""

    def with_ticket(self, ticket: model.Ticket) -> Request:
        """The same request with what is to be printed on the report."""
        return replace(self, ticket=ticket)


def quiet(_what: str, _share: float) -> None:
    """Progress that nobody watches."""
    return


@contextmanager
def opened(request: Request, progress: Progress = quiet) -> Iterator[Opened]:
    """The capture read into tables, with the tshark and the scratch folder that stay usable inside the block.

    Raises:
        ReportError: any of the expected errors of finding tshark and reading the capture.
    """
    with scratch_folders.folder() as scratch:
        env = tshark_module.environment(scratch, own_profile=bool(request.options.profile))
        found = tshark_module.find(request.tshark, env)
        loaded = load(
            request.capture, found, scratch, env, request.options, timeout=request.timeout, jobs=request.jobs,
            keep_files=request.keep_files,
            progress=progress,
        )  # fmt: skip
        yield loaded, found, scratch, env
