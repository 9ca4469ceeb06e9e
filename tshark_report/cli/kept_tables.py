"""What `--tables` and `--from-tables` mean together with the other options of a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.store.reading import Again


def checked(capture: Path | None, tables: Path | None, from_tables: Path | None, redact: str, moments: str) -> Path:
    """The capture that the report is about, by name; before anything is read.

    Raises:
        UsageError: there is no capture, or two options exclude each other.
        RenderFailed: the tables could not be written.
    """
    if from_tables is not None and tables is not None:
        raise UsageError(
            "--tables and --from-tables exclude each other",
            detail="the tables that are read are already there",
            next_step=f"copy the folder: cp -r {from_tables} {tables}",
            causes=("one of them was meant",),
        )
    if from_tables is not None and moments:
        raise UsageError(
            "the tables were read with other options",
            detail="--from and --to need tshark, which --from-tables does not run",
            next_step="read the capture itself, without --from-tables",
            causes=("another stretch of time is wanted than the tables hold",),
        )
    if tables is not None and redact:
        raise UsageError(
            "--tables holds what --redact hides",
            detail="tables keep every address, name and value of the capture",
            next_step="write the tables in one run and the redacted report from them: --from-tables DIR --redact ...",
            causes=("one of them was meant",),
        )
    if tables is not None:
        from tshark_report.store import check_target

        check_target(tables)
    if capture is None:
        if from_tables is None:
            raise UsageError(
                "no capture was named",
                causes=("its name was left out",),
                next_step="tshark-report report CAPTURE   or   tshark-report report --from-tables DIR",
                detail="a report is about one capture, or about the tables of one",
            )
        from tshark_report.store import manifest

        return Path(manifest.load(from_tables).capture.file_name)
    return capture


def again(from_tables: Path, capture: Path | None) -> Again:
    """The capture as its tables keep it; where the capture itself is named too, both must agree.

    Raises:
        UsageError: the tables are missing, damaged, of another version or of another capture.
        CaptureUnreadable: a capture is named and cannot be read.
    """
    from tshark_report.store import reading

    kept = reading.read(from_tables)
    if capture is not None:
        from tshark_report.capture import check

        check.look(capture)
        reading.check_capture(kept, capture, check.sha256(capture))
    return kept
