"""Programs that stand in for tshark, for faults that the real one cannot be made to show."""

from __future__ import annotations

import sys
from pathlib import Path

VERSION = "TShark (Wireshark) 4.0.17 (stand-in)."


def make(folder: Path, body: str, *, version: str = VERSION) -> str:
    """A program in `folder` that answers `--version` and otherwise runs `body` (Python; `args` holds its arguments)."""
    path = folder / "tshark"
    path.write_text(
        f"#!{sys.executable}\nimport sys, time, os, signal\nargs = sys.argv[1:]\n"
        f"if args == ['--version']:\n    print({version!r}); sys.exit(0)\n"
        + "".join(line + "\n" for line in body.splitlines())
    )
    path.chmod(0o755)
    return str(path)


DYING = """
import shutil, struct, subprocess
MARK, HOW, ROWS_LOST = {mark!r}, {how!r}, {lost!r}
real = shutil.which("tshark", path="/usr/bin:/usr/local/bin")
if "-r" not in args:
    os.execv(real, ["tshark", *args])
at = args.index("-r") + 1
data = sys.stdin.buffer.read() if args[at] == "-" else open(args[at], "rb").read()
found = data.find(MARK)
given = ["tshark", *args[:at], "-", *args[at + 1:]]
if found < 0:
    done = subprocess.run(given, executable=real, input=data)
    sys.exit(done.returncode)
start = 24
while start + 16 + struct.unpack_from("<I", data, start + 8)[0] <= found:
    start += 16 + struct.unpack_from("<I", data, start + 8)[0]
done = subprocess.run([*given, "-l"], executable=real, input=data[:start], stdout=subprocess.PIPE)
rows = [line for line in done.stdout.split(b"\\n") if b"\\t" in line]
if "-l" not in args:
    # What a block-buffered tshark has written so far: whole blocks, and so mostly half a row at the end.
    rows = rows[: max(0, len(rows) - 7)] + [b"half a row"]
elif ROWS_LOST:
    rows = []
sys.stdout.buffer.write(b"\\n".join(rows) + (b"\\n" if "-l" in args else b""))
sys.stdout.flush()
if HOW == "hang":
    time.sleep(300)
os.kill(os.getpid(), HOW)
"""


def dying(folder: Path, mark: bytes, how: int | str, *, rows_lost: bool = False) -> str:
    """A tshark that ends by signal `how`, or with "hang" stops answering, on the first pcap frame that holds `mark`.

    With `rows_lost` not even the rows before that frame come out, however often it is asked to flush them.
    """
    return make(folder, DYING.format(mark=mark, how=how if isinstance(how, str) else int(how), lost=rows_lost))
