"""The packets that a display filter selects, all of them, as a pcapng of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tshark_report import scratch as scratch_folders
from tshark_report.capture import check, process
from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.deadlines import deadline
from tshark_report.capture.refused import refused
from tshark_report.errors import TsharkFailed, UsageError

if TYPE_CHECKING:
    from tshark_report.capture.dissect import Options
    from tshark_report.reading import Request


def selected(request: Request) -> tuple[bytes, int]:
    """A pcapng with the packets of the request's capture that its display filter selects, and how many there are.

    Raises:
        CaptureUnreadable: it is not a capture.
        FilterRejected: tshark does not accept the filter.
        TsharkFailed: tshark was killed or hung.
        UsageError: the filter selects nothing.
    """
    with scratch_folders.folder() as scratch:
        env = tshark_module.environment(scratch, own_profile=bool(request.options.profile))
        tshark = tshark_module.find(request.tshark, env)
        limit = request.timeout or deadline(check.size(request.capture))
        capture = check.examined(tshark, request.capture, scratch, env, limit)
        target, wanted = scratch / "selected.pcapng", request.options.display_filter
        args = [tshark.path, "-n", "-r", str(capture.path), *request.options.arguments(), "-Y", wanted]
        comment = f"packets of {capture.original.name} that a display filter selects: {wanted}"
        # With -P and -T fields beside -w one line is printed for each packet written: it is how they are counted.
        args += ["-F", "pcapng", "--capture-comment", comment[:2000], "-w", str(target)]
        args += ["-P", "-T", "fields", "-e", "frame.number"]
        done = process.run(args, timeout=limit, env=env)
        number = done.stdout.count(b"\n")
        _judge(done, number, request.options, capture.original, limit)
        return target.read_bytes(), number


def _judge(done: process.Done, number: int, options: Options, path: Path, limit: float) -> None:
    if done.timed_out or done.code < 0:
        raise TsharkFailed(
            "tshark did not finish",
            detail=done.last_error or f"stopped after {limit:.0f} s",
            next_step="narrow the filter, or give it longer with --timeout SECONDS",
            causes=("a dissector that is very slow on this traffic", "a busy or slow machine"),
        )
    if number:
        return
    if done.code and "cut short" not in done.stderr:
        raise refused(done.complaint, options)
    raise UsageError(
        "the filter selects no packet of this capture",
        detail=f"{path.name}: {options.display_filter}",
        causes=("it is meant for another capture", "a value in it is misspelt"),
        next_step=f"tshark-report fields {path} -e frame.protocols",
    )
