"""The strongest fence that a system permits, asked by starting the program behind it; the answer is kept."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tshark_report.capture import group, kept
from tshark_report.capture.fence.access import hand_over, ways_open
from tshark_report.capture.fence.building import has, wrapped
from tshark_report.capture.fence.parts import SCRATCH, Fence

SWITCH = "TSHARK_REPORT_FENCE"
"""Variable of the user's: `off` starts tshark unfenced, for systems where the fence itself is the trouble."""

OFF = ("off", "0", "no")

PROBE_SECONDS = 10.0

EDITION = 2
"""Raised when the fence is built in another way, so that what an older version found out is asked again."""


def of_program(program: str, scratch: str) -> Fence:
    """The strongest fence in which `program` runs here.

    Raises:
        OSError: it cannot be started at all.
    """
    if os.environ.get(SWITCH, "").lower() in OFF:
        return Fence()
    fence = _of_place(absolute(program), scratch, os.geteuid())
    if fence.dropped and not fence.engine and not ways_open(Path(scratch)):
        # Without namespaces nobody cannot get into a scratch folder below a closed one, such as root's home.
        return replace(fence, dropped=False)
    return fence


def absolute(program: str) -> str:
    """Where a program lies; as it was given where it is not found."""
    place = shutil.which(program)
    return str(Path(place).absolute()) if place else program


_LOCK = threading.Lock()

_KNOWN: dict[tuple[str, int], Fence] = {}


def _of_place(place: str, scratch: str, user: int) -> Fence:
    with _LOCK:
        found = _KNOWN.get((place, user))
        if found is None:
            found = _KNOWN[place, user] = _strongest(place, scratch)
        return found


def _strongest(place: str, scratch: str) -> Fence:
    name = kept.of_program("fence", place, f"{EDITION} {os.geteuid()} {_mark()}")
    said = kept.read(name)
    for fence in candidates() if said else ():
        if repr(fence) == said:
            return fence
    plain = _unfenced(place)
    for fence in candidates():
        # A program that does not even say its version unfenced is no reason to take the fence away.
        if _says(fence, place if plain else "/bin/true", scratch) == plain:
            if plain:
                kept.write(name, repr(fence))
            return fence
    return Fence()


def _mark() -> str:
    """What else decides whether a fence works here: the running system and the container it is in."""
    made = " ".join(os.uname())
    for place in ("random/boot_id", "unprivileged_userns_clone", "apparmor_restrict_unprivileged_userns"):
        with suppress(OSError):
            made += " " + (Path("/proc/sys/kernel") / place).read_text()
    with suppress(OSError):
        made += f" {Path('/proc/self/ns/mnt').readlink()}"
    return made + "".join(f" {shutil.which(each)}" for each in ("bwrap", "unshare", "setpriv"))


def _unfenced(place: str) -> bytes:
    """The first line that `place --version` prints as it is; empty where it prints none.

    Raises:
        OSError: it cannot be started.
    """
    return group.answer([place, "--version"], seconds=PROBE_SECONDS) or b""


def _says(fence: Fence, place: str, scratch: str) -> bytes | None:
    """The first line that `place --version` prints behind the fence, with the scratch folder writable; else None."""
    hand_over(Path(scratch), fence)
    what = [place, "--version"] if place != "/bin/true" else [place]
    inside = ["/bin/sh", "-c", 'test -w "$0" || exit 9; exec "$@"', scratch, *what]
    env = {key: value for key, value in os.environ.items() if key not in (SCRATCH, SWITCH)} | {"HOME": scratch}
    fenced = wrapped(fence, inside, env, scratch, PROBE_SECONDS, None, shown=(place,))
    try:
        return group.answer(fenced, seconds=PROBE_SECONDS, env=env)
    except OSError:
        return None


def candidates() -> Iterator[Fence]:
    """What this system may permit, strongest first; the last is no fence at all."""
    limits, setpriv = has("/bin/sh"), has("setpriv")
    base = Fence(limits=limits, no_new_privileges=setpriv)
    # Keeping root's identity is worse than any other part that is missing.
    for dropped in (True, False) if os.geteuid() == 0 and setpriv else (False,):
        own = replace(base, dropped=dropped)
        if has("bwrap"):
            for hidden in (True, False):
                for processes in (True, False):
                    yield replace(own, engine="bwrap", hidden=hidden, processes=processes, no_new_privileges=True)
        if has("unshare") and has("mount") and setpriv:
            for processes in (True, False):
                yield replace(own, engine="unshare", processes=processes)
        yield own
    yield replace(base, no_new_privileges=False)
