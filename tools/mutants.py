"""Damage captures in thousands of ways, and see that no damage ends in a traceback, a hang or a silent loss.

    mutants.py [--count N] [--full N] [--seed N] [--seconds N] FOLDER...

Every mutant (flipped bits, a cut, swapped, repeated or dropped blocks, lengths set to odd values) goes through the
framing reader, the splitter and the writer of mended captures, and its packets are counted by capinfos as well. Every
COUNT/FULL-th one becomes a whole report in this process. Exit 1 where anything ended otherwise than in a report or a
documented error, or where packets are missing and the report does not say so.
"""

from __future__ import annotations

import argparse
import io
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import sweep

from tshark_report.capture import check, framing, headers, shortened, split

LARGEST = 60_000
"""Bytes of a capture that is damaged: small ones, so that damage hits something that matters."""
BATCH = 400
ODD = (0, 1, 2, 3, 4, 7, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC)


def damaged(data: bytes, dice: random.Random) -> tuple[str, bytes]:
    """One mutant, and what was done."""
    made = bytearray(data)
    kind = dice.choice(("bits", "bits", "bytes", "cut", "swap", "repeat", "drop", "length"))
    if kind == "bits":
        for _ in range(dice.choice((1, 1, 2, 8, 64))):
            made[dice.randrange(len(made))] ^= 1 << dice.randrange(8)
    elif kind == "bytes":
        at = dice.randrange(len(made))
        made[at : at + 8] = dice.randbytes(min(8, len(made) - at))
    elif kind == "cut":
        del made[dice.randrange(1, len(made)) :]
    elif kind == "length":
        at = dice.randrange(max(1, len(made) - 4)) & ~3
        made[at : at + 4] = dice.choice(ODD).to_bytes(4, dice.choice(("little", "big")))
    else:
        size = dice.choice((4, 16, 64, 256))
        a, b = dice.randrange(len(made)), dice.randrange(len(made))
        one, two = bytes(made[a : a + size]), bytes(made[b : b + size])
        if kind == "swap":
            made[a : a + size], made[b : b + size] = two[: len(one)], one[: len(two)]
        elif kind == "repeat":
            made[a:a] = two
        else:
            del made[a : a + size]
    return kind, bytes(made)


def quick(path: Path) -> int | None:
    """Framing, splitter and mender on one capture; the frames that were found, None where it is not framed.

    Raises:
        AssertionError: two of them do not agree.
    """
    try:
        frames = framing.index(path)
    except framing.NotFramed:
        return None
    size = path.stat().st_size
    ends = [at + length for at, length in zip(frames.offset, frames.captured, strict=True)]
    assert all(end <= size for end in ends), "a frame ends behind the file"
    at = split.located(path, frames)
    keys = split.keys(path, frames, at) if at is not None else None
    if keys is not None and at is not None:
        headers.read(path, frames, at)
        assert len(keys) == len(frames)
        parts = [split.Shard(np.flatnonzero(keys % np.uint64(2) == each)) for each in (0, 1)]
        total = 0
        for shard in parts:
            total += _fed(path, frames, shard)
        assert total == len(frames), "the parts of a capture hold other frames than the whole"
    if len(frames):
        out = io.BytesIO()
        shortened.write(path, frames, {1: 0, len(frames): 0}, len(frames), out)
        with tempfile.NamedTemporaryFile() as again:
            again.write(out.getvalue())
            again.flush()
            assert len(framing.index(Path(again.name))) == len(frames), "emptying a frame loses one"
    return len(frames)


def _fed(path: Path, frames: framing.Frames, shard: split.Shard) -> int:
    out = io.BytesIO()
    split.feeder(path, frames, shard)(out)
    with tempfile.NamedTemporaryFile() as part:
        part.write(out.getvalue())
        part.flush()
        return len(framing.index(Path(part.name))) if len(shard.frames) else 0


def counted(paths: list[Path]) -> dict[str, int]:
    """Packets that capinfos counts in each file that it can read."""
    done = subprocess.run(
        ["capinfos", "-T", "-M", "-c", *map(str, paths)], capture_output=True, check=False, timeout=300
    )
    rows = [line.split("\t") for line in done.stdout.decode("utf-8", "replace").splitlines()[1:]]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def main() -> int:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--full", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", type=Path, help="keep mutants that ended badly in this folder")
    given = parser.parse_args()
    seeds = [p for p in sweep.captures(given.folders) if 40 < p.stat().st_size <= LARGEST]
    dice = random.Random(given.seed)
    ended: Counter[str] = Counter()
    bad = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, given.count, BATCH):
            batch: dict[Path, int | None] = {}
            for number in range(first, min(first + BATCH, given.count)):
                kind, data = damaged(dice.choice(seeds).read_bytes(), dice)
                path = Path(folder) / f"{number:06d}-{kind}.pcap"
                path.write_bytes(data or b"\0")
                bad += _quick(path, batch, ended, given.keep)
                if number % max(1, given.count // max(1, given.full)) == 0:
                    bad += _full(path, given.seconds, ended, given.keep)
            for name, packets in counted(list(batch)).items():
                frames = batch[Path(name)]
                if frames is not None:
                    ended["counts agree" if frames == packets else "counts differ"] += 1
                    if frames != packets:
                        # Not yet a loss: whether the report says so is what counts.
                        bad += _full(Path(name), given.seconds, ended, given.keep)
            for path in batch:
                path.unlink(missing_ok=True)
    print(f"{given.count:,} mutants of {len(seeds)} captures, seed {given.seed}, {time.monotonic() - started:.0f} s")
    for what, number in sorted(ended.items()):
        print(f"  {number:7,} {what}")
    print(f"  {bad:7,} ended badly")
    return 1 if bad else 0


def _quick(path: Path, batch: dict[Path, int | None], ended: Counter[str], keep: Path | None) -> int:
    try:
        batch[path] = quick(path)
    except Exception:  # noqa: BLE001 - that is what is looked for
        ended["quick: traceback"] += 1
        batch[path] = None
        _kept(path, keep)
        print(path.name, traceback.format_exc(), flush=True)
        return 1
    ended["quick: not framed" if batch[path] is None else "quick: framed"] += 1
    return 0


def _full(path: Path, seconds: int, ended: Counter[str], keep: Path | None) -> int:
    row = sweep.within(seconds, lambda: sweep.one(path))
    silent = row["ended"] == "report" and _silent(path, row)
    what = "packets missing, and nothing says so" if silent else str(row["ended"])
    if "detail" in row and row["ended"] != "traceback":
        what += f": {str(row['detail']).partition(':')[0]}"
    ended[f"full: {what}"] += 1
    if row["ended"] in ("traceback", "hang") or silent:
        _kept(path, keep)
        print(path.name, what, row.get("different", ""), row.get("detail", ""), flush=True)
        return 1
    return 0


def _silent(path: Path, row: dict[str, object]) -> bool:
    """Does the report know fewer packets than the file holds, without a word on it?"""
    frames = check.frames_of(path)
    least = min(len(frames), int(str(row["packets"]))) if frames is not None else int(str(row["packets"]))
    return int(str(row["rows"])) < least and not row["said"]


def _kept(path: Path, keep: Path | None) -> None:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
