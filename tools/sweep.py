"""Report on every capture of some folders in one process, and write down how each ended.

    sweep.py [--out results.json] [--seconds N] FOLDER...

For each capture: `report` or the kind of error a user would see, `traceback` for anything else, `hang` where it took
longer than N seconds; the packets that tshark gave against those that the file's framing holds; rules by outcome.
The last line sums up. Exit 1 where there was a traceback, a hang or a difference of packets.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tshark_report.capture import check  # noqa: E402
from tshark_report.errors import ReportError  # noqa: E402
from tshark_report.pipeline import tell  # noqa: E402
from tshark_report.reading import Request, opened  # noqa: E402
from tshark_report.report import as_html, as_json, as_markdown  # noqa: E402

SECONDS = 120


class Hang(BaseException):
    """A capture took longer than it may."""


def captures(folders: list[Path]) -> list[Path]:
    """Capture files in the folders, and in the folders of a case."""
    found = []
    for folder in folders:
        found += [p for p in folder.iterdir() if p.is_file() and p.suffix not in (".tsv", ".json", ".md", ".txt")]
        found += list(folder.glob("*/capture.pcap*"))
    return sorted(found)


def one(path: Path) -> dict[str, object]:
    """How a report on one capture ended."""
    started = time.monotonic()
    row: dict[str, object] = {"capture": path.parent.name + "/" + path.name}
    try:
        request = Request(path)
        with opened(request) as read:
            rows = read[0].tables.packets.height
            made = tell(request, read, evidence=False).report
        for render in (as_html.render, as_json.render, as_markdown.render):
            render(made)
    except ReportError as error:
        row |= {"ended": type(error).__name__, "detail": f"{error.what}: {error.detail}"}
    except Hang:
        row |= {"ended": "hang"}
    except Exception:  # noqa: BLE001 - that is what is looked for
        row |= {"ended": "traceback", "detail": traceback.format_exc()}
    else:
        row |= {
            "ended": "report",
            "packets": made.capture.packets,
            "checks": dict(Counter(c.status for c in made.checks)),
            "fired": sorted({f.code for f in made.findings}),
            "tshark": made.tool.tshark_version,
            "different": _different(path, made.capture.packets),
            "rows": rows,
            "said": [*made.capture.warnings, *(["cut short"] if made.capture.truncated else [])],
            "limits": len(made.limits),
        }
    row["seconds"] = round(time.monotonic() - started, 2)
    return row


def _different(path: Path, packets: int) -> str:
    """Packets that the file's own framing holds, where it can be read and they are not those of the report."""
    frames = check.frames_of(path)
    return (
        f"{len(frames)} in the file, {packets} in the report" if frames is not None and len(frames) != packets else ""
    )


def within(seconds: int, work: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Do `work`, for at most so many seconds."""

    def stop(_number: int, _frame: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return work()
    finally:
        signal.alarm(0)


def main() -> int:
    """Sweep the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    given = parser.parse_args()
    rows = []
    for path in captures(given.folders):
        row = within(given.seconds, lambda path=path: one(path))
        rows.append(row)
        if row["ended"] in ("traceback", "hang") or row.get("different"):
            print(row["capture"], row["ended"], row.get("different", ""), row.get("detail", ""), flush=True)
    ended = Counter(str(row["ended"]) for row in rows)
    different = sum(1 for row in rows if row.get("different"))
    print(
        f"Python {platform.python_version()}:", ", ".join(f"{n} {kind}" for kind, n in ended.most_common()),
        f"- {different} packet counts differ",
    )  # fmt: skip
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1))
    return 1 if ended["traceback"] or ended["hang"] or different else 0


if __name__ == "__main__":
    sys.exit(main())
