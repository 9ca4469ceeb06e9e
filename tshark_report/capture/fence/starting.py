"""Programs behind the fence: the command and environment to start, a launcher script, a capture they can read."""

from __future__ import annotations

import hashlib
import itertools
import os
import shlex
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tshark_report import scratch as scratch_folders
from tshark_report.capture.fence.access import below, hand_over, open_to_all
from tshark_report.capture.fence.building import wrapped
from tshark_report.capture.fence.named import named, profile
from tshark_report.capture.fence.offered import absolute, of_program
from tshark_report.capture.fence.parts import SCRATCH, Fence


def command(
    args: Sequence[str], env: Mapping[str, str], timeout: float, cwd: str | None = None
) -> tuple[list[str], dict[str, str]]:
    """The command that runs `args` behind the fence, and its environment; both unchanged where `env` does not ask.

    `timeout` is in seconds.

    Raises:
        OSError: the program cannot be started at all.
    """
    given = {key: value for key, value in env.items() if key != SCRATCH}
    scratch = env.get(SCRATCH)
    if not scratch or os.name != "posix":
        return list(args), given
    fence = _in_scratch(args[0], scratch)
    hand_over(Path(scratch), fence)
    # The fence starts it from another folder, so a relative path would lead nowhere.
    args = [absolute(args[0]), *args[1:]]
    if fence.dropped and not fence.engine:
        args, given = reachable(args, given, Path(scratch))
    return wrapped(fence, args, given, scratch, timeout, cwd), given


_AS_ROOT: set[str] = set()
"""Scratch folders in which a program keeps root's identity. Each folder has one owner, so all others there must too."""


def _in_scratch(program: str, scratch: str) -> Fence:
    fence = of_program(program, scratch)
    if fence.dropped and scratch in _AS_ROOT:
        return replace(fence, dropped=False)
    if not fence.dropped:
        _AS_ROOT.add(scratch)
    return fence


@contextmanager
def launcher(program: str, env: Mapping[str, str], timeout: float) -> Iterator[str]:
    """A script that starts `program` behind the fence, for a library that starts it itself.

    It stands in a folder of its own: in the scratch folder a fenced process could rewrite it.
    """
    if not env.get(SCRATCH) or os.name != "posix":
        yield program
        return
    full, given = command([program], env, timeout)
    with scratch_folders.folder() as folder:
        script = folder / "tshark"
        variables = [f"{key}={value}" for key, value in given.items()]
        script.write_text(
            f'#!/bin/sh\nexec {shlex.join(["env", "-i", *variables, *full])} "$@"\n', "utf-8", "surrogateescape"
        )
        script.chmod(0o700)
        yield str(script)


def readable(path: Path, scratch: Path, program: str) -> Path:
    """A path under which the fenced `program` can read `path`: the same, or where that cannot be, a copy in `scratch`.

    Root's own files cannot be read by nobody. In a mount namespace a capability does it; without one a copy must.

    Raises:
        OSError: the copy cannot be written.
    """
    if os.name != "posix" or os.geteuid() != 0 or below(str(path), str(scratch)):
        return path
    fence = _in_scratch(program, str(scratch))
    if not fence.dropped or fence.engine or open_to_all(path):
        return path
    copy = scratch / "capture"
    shutil.copyfile(path, copy)
    copy.chmod(0o644)
    return copy


def reachable(args: Sequence[str], env: Mapping[str, str], scratch: Path) -> tuple[list[str], dict[str, str]]:
    """The command and environment with copies in place of what nobody cannot read: files named, and a profile.

    A key log, the files of a recording and a Wireshark profile mostly lie where root alone may look.

    Raises:
        OSError: a copy cannot be written.
    """
    closed = [path for path in named(args) if not below(path, str(scratch)) and not open_to_all(Path(path))]
    copies = {path: str(_copied(Path(path), scratch)) for path in closed if path != args[0]}
    made = list(args)
    for at, (before, arg) in enumerate(itertools.pairwise(args), 1):
        if arg in copies:
            made[at] = copies[arg]
        elif before == "-o":
            for path, copy in copies.items():
                made[at] = made[at].replace(path, copy)
    given = dict(env)
    for folder in profile(env):
        if not below(folder, str(scratch)) and not open_to_all(Path(folder)):
            given["WIRESHARK_CONFIG_DIR"] = str(_copied(Path(folder), scratch))
    return made, given


_COPYING = threading.Lock()


def _copied(path: Path, scratch: Path) -> Path:
    """A copy of a file or folder in `scratch` that anybody may read; made once, whoever asks."""
    folder = scratch / "shown"
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    copy = folder / f"{name}{path.suffix}"
    with _COPYING:
        if not copy.exists():
            folder.mkdir(exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, copy, ignore_dangling_symlinks=True)
            else:
                shutil.copyfile(path, copy)
            for each in [folder, copy, *copy.rglob("*")]:
                each.chmod(0o755 if each.is_dir() else 0o644)
    return copy


def code(number: int) -> int:
    """An exit code as subprocess gives it: negative where a shell or bwrap says 128 + signal."""
    if number > 128 and number - 128 in {int(each) for each in signal.Signals}:
        return 128 - number
    return number
