"""Everything that can go wrong in a way that a user can act on.

Each error says what happened, the detail, likely causes and the next command.
Only the command line prints them; nothing else in the package prints or exits.
"""

from __future__ import annotations

from typing import ClassVar


class ReportError(Exception):
    """Base of all expected errors: one block on stderr and a documented exit code."""

    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, *, detail: str = "", causes: tuple[str, ...] = (), next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.detail = detail
        self.causes = causes
        self.next_step = next_step


def reason(error: Exception) -> str:
    """Why something failed, in the system's own words, without Python's numbers and quotes around them."""
    told = error.strerror if isinstance(error, OSError) else None
    return told or str(error) or type(error).__name__


class UsageError(ReportError):
    """The command line asks for something that does not fit together."""

    exit_code = 2


class FilterRejected(UsageError):
    """tshark does not accept a display filter, preference or decode-as rule that the user gave."""


class TsharkMissing(ReportError):
    """tshark was not found, or what was found does not run."""

    exit_code = 3


class TsharkTooOld(ReportError):
    """tshark is older than the oldest version this tool works with."""

    exit_code = 3


class TsharkFailed(ReportError):
    """tshark ended in a way that leaves nothing to report on: killed, hung, or answering nonsense."""

    exit_code = 3


class TsharkDied(TsharkFailed):
    """tshark was killed by a signal, or did not answer: there may be a way around the packet that did it."""

    def __init__(
        self,
        what: str,
        *,
        command: tuple[str, ...],
        how: str,
        late: bool = False,
        detail: str = "",
        causes: tuple[str, ...] = (),
        next_step: str = "",
    ) -> None:
        super().__init__(what, detail=detail, causes=causes, next_step=next_step)
        self.command = command
        """The arguments of the pass that died."""
        self.how = how
        """How it ended, as the end of a sentence about tshark."""
        self.late = late
        """It was ended since it took too long."""


class CaptureUnreadable(ReportError):
    """The file is missing, not readable, not a capture, or holds no packet."""

    exit_code = 4


class RenderFailed(ReportError):
    """The report could not be rendered or written."""

    exit_code = 5


EXIT_CODES: dict[int, str] = {
    0: "the report was written (also for a capture that is cut short: the report says so)",
    1: "`--fail-on PRIORITY` was given and a finding of that priority or higher was found",
    2: "usage: an option or argument does not fit",
    3: "tshark is missing, too old, or failed",
    4: "not a capture, or no packet in it",
    5: "rendering or writing the report failed",
}
"""Exit codes of the command line; docs/cli.md is generated from this table."""
