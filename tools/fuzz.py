"""Fuzz everything here that parses what others wrote: fuzz.py [--seconds N] [TARGET...].

With atheris (pip install atheris; Python up to 3.13) each target is run coverage-guided for N seconds in a process of
its own; without it the seeds are mutated blindly for as long. The input of a finding is written to fuzz-TARGET-N.bin.
Exit 1 where there was one.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_targets import TARGETS, seeds  # noqa: E402

PURE = ("statistics", "given", "alerts", "patterns", "settings", "expected", "branded", "content", "shared")
"""Targets that are Python throughout: atheris can see which of it an input reaches."""


def mutants(name: str) -> Iterator[bytes]:
    """The seeds of a target, mutated without end, each time the same."""
    dice = random.Random(7)
    given = seeds(name)
    while True:
        data = bytearray(dice.choice(given))
        for _ in range(dice.choice((1, 2, 4, 16))):
            at = dice.randrange(len(data) + 1)
            match dice.randrange(4):
                case 0:
                    data[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del data[at : at + dice.randrange(1, 20)]
                case 2:
                    data[at:at] = dice.randbytes(dice.randrange(1, 9))
                case _:
                    data[at:at] = dice.choice(given)[:200]
        yield bytes(data)


def blindly(name: str, seconds: float) -> int:
    """Mutate the seeds for so many seconds; the number of inputs that raised something else."""
    stop, runs, bad = time.monotonic() + seconds, 0, 0
    for data in mutants(name):
        if time.monotonic() > stop:
            break
        runs += 1
        try:
            TARGETS[name](data)
        except Exception:  # noqa: BLE001 - that is what is looked for
            bad += 1
            Path(f"fuzz-{name}-{bad}.bin").write_bytes(data)
            print(name, traceback.format_exc())
            if bad >= 3:
                break
    print(f"{name}: {runs:,} inputs, {bad} findings (blind)")
    return bad


def guided(name: str, seconds: int) -> int:
    """Run one target under atheris, in a process of its own; 1 where it found something."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(name)):
            (Path(corpus) / f"seed{number}").write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096", f"-artifact_prefix=fuzz-{name}-"]
        done = subprocess.run(
            [sys.executable, __file__, "--one", name, *options, corpus], capture_output=True, text=True, check=False
        )
    runs = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    print(
        f"{name}: {runs[-1] if runs else 'stopped early'}, {'a finding' if done.returncode else '0 findings'} (guided)"
    )
    if done.returncode:
        print((done.stdout + done.stderr)[-3000:])
    return int(done.returncode != 0)


def one() -> None:
    """The process that atheris drives."""
    import atheris

    name = sys.argv[2]
    atheris.instrument_all() if name in PURE else None
    atheris.Setup([sys.argv[0], *sys.argv[3:]], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets one after the other."""
    if sys.argv[1:2] == ["--one"]:
        one()
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    try:
        import atheris  # noqa: F401
    except ImportError:
        run: Callable[[str, int], int] = blindly
    else:
        run = guided
    return 1 if sum(run(name, given.seconds) for name in given.targets or TARGETS) else 0


if __name__ == "__main__":
    sys.exit(main())
