"""Chosen fields of chosen packets, by `-T fields`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tshark_report.capture import process
from tshark_report.capture.dissect import ABOUT_THE_FILE, SEPARATOR, Options
from tshark_report.capture.refused import refused
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import CaptureUnreadable, TsharkFailed, UsageError

MOST_RANGES = 500


def numbers(text: str) -> list[tuple[int, int]]:
    """`5,9,20-40` as ranges of frame numbers.

    Raises:
        UsageError: it is not of that form.
    """
    ranges = []
    for part in (p.strip() for p in text.split(",") if p.strip()):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()) or (dash and int(last) < int(first)):
            raise UsageError(
                "--packets does not name frames",
                detail=part,
                causes=("a word that is no number", "a range that ends before it begins"),
                next_step="--packets 5,9,20-40",
            )
        ranges.append((int(first), int(last) if dash else int(first)))
    if len(ranges) > MOST_RANGES:
        raise UsageError(
            f"--packets takes {MOST_RANGES} ranges at most",
            next_step="use a display filter: --filter",
            detail=f"{len(ranges):,} were given",
            causes=("frame numbers that another program listed",),
        )
    return ranges


def read(
    tshark: Tshark,
    path: Path,
    fields: Sequence[str],
    options: Options,
    ranges: Sequence[tuple[int, int]],
    limit: int,
    env: dict[str, str],
    timeout: float,
) -> list[list[str | None]]:
    """Frame number and fields of at most `limit` packets; several values of one field stand comma-separated.

    Raises:
        FilterRejected: tshark does not know a field, or does not accept a filter or preference.
        CaptureUnreadable: it is not a capture.
        TsharkFailed: tshark was killed or hung.
    """
    parts = [f"({options.display_filter})"] if options.display_filter else []
    if ranges:
        parts.append("(" + " || ".join(f"(frame.number >= {a} && frame.number <= {b})" for a, b in ranges) + ")")
    args = [tshark.path, "-n", "-r", str(path), *options.arguments(), "-T", "fields", "-E", "separator=/t"]
    # Each field once: tshark prints a field that is asked for twice in one place only.
    asked = list(dict.fromkeys(["frame.number", *fields]))
    args += ["-E", f"aggregator={SEPARATOR}", "-E", "occurrence=a"]
    for name in asked:
        args += ["-e", name]
    if parts:
        args += ["-Y", " && ".join(parts)]
    rows: list[list[str | None]] = []
    with process.started(args, timeout=timeout, env=env) as running:
        for line in running.stdout:
            cells = line.rstrip(b"\n").decode("utf-8", "replace").split("\t")
            if len(cells) == len(asked):
                by_name = dict(zip(asked, (c.replace(SEPARATOR, ",") or None for c in cells), strict=True))
                rows.append([by_name[name] for name in ("frame.number", *fields)])
            if len(rows) >= limit:
                return rows
        done = running.finish()
    if done.timed_out or done.code < 0:
        raise TsharkFailed(
            "tshark did not finish",
            detail=done.last_error or f"stopped after {timeout:.0f} s",
            next_step="narrow it with --filter",
            causes=("a dissector that is very slow on this traffic", "a busy or slow machine"),
        )
    if done.code and not rows:
        if ABOUT_THE_FILE.search(done.stderr):
            raise CaptureUnreadable(
                "tshark cannot read this capture",
                detail=f"{path.name}: {done.complaint}",
                causes=("it is cut short inside the first packet", "the file is damaged"),
                next_step=f"capinfos {path}",
            )
        raise refused(done.complaint, options, fields)
    return rows
