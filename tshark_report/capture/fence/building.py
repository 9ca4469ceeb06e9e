"""The command that puts another one behind a fence."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tshark_report.capture.fence.access import below, open_to_all, ways_open
from tshark_report.capture.fence.limits import limits_of
from tshark_report.capture.fence.named import named, profile
from tshark_report.capture.fence.parts import Fence, nobody

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
"""Folders of programs and libraries, shown read-only."""

CONFIGURATION = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "passwd", "group", "nsswitch.conf",
    "protocols", "services", "wireshark", "gcrypt", "crypto-policies", "gnutls", "ssl/openssl.cnf",
)  # fmt: skip
"""What a program may need of /etc; none of it is secret."""

SCRIPTS = ("/usr/lib/*/wireshark/plugins", "/usr/lib/wireshark/plugins", "/usr/lib64/wireshark/plugins",
           "/usr/local/lib/*/wireshark/plugins", "/usr/local/lib/wireshark/plugins")  # fmt: skip
"""Where Lua scripts for all users lie; those of the user are left out by the clean home folder."""

READ_ONLY = r"""
mount --make-rprivate / && mount --bind "$1" "$1" || exit 9
scratch=$(cd "$1" && pwd -P)
while read -r _ _ _ _ place options _; do
  case $place in "$scratch"|"$scratch"/*|/proc|/proc/*|/dev|/dev/pts) continue ;; esac
  case $options in ro|ro,*) continue ;; esac
  mount -o "remount,bind,ro${options#rw}" "$(printf '%b' "$place")" || exit 9
done < /proc/self/mountinfo
shift
# Not exec: as the first process of its namespace a program would not get its own signals.
"$@"
exit $?
"""
"""Makes every mount but the scratch folder read-only, inside a mount namespace of its own, then becomes the command."""


def wrapped(
    fence: Fence,
    args: Sequence[str],
    env: Mapping[str, str],
    scratch: str,
    timeout: float,
    cwd: str | None,
    *,
    shown: Sequence[str] = (),
) -> list[str]:
    """`args` behind `fence`; `shown` names further files that must be seen."""
    inner = list(args)
    if fence.limits:
        inner = ["/bin/sh", "-c", limits_of(timeout), "sh", *inner]
    files = [path for path in dict.fromkeys([*named(args), *profile(env), *shown]) if not below(path, scratch)]
    if "/" in args[0]:
        files.append(args[0])
    if (fence.no_new_privileges or fence.dropped) and has("setpriv"):
        closed = fence.dropped and not all(open_to_all(Path(path), above=not fence.hidden) for path in files)
        closed |= fence.dropped and not fence.hidden and not ways_open(Path(scratch))
        inner = _setpriv(fence, readable=closed and bool(fence.engine)) + inner
    if fence.engine == "bwrap":
        return [*_bwrap(fence, files, scratch, cwd), *inner]
    if fence.engine == "unshare":
        return [*_unshare(fence, scratch), *inner]
    return inner


def _setpriv(fence: Fence, *, readable: bool) -> list[str]:
    """No new privileges and no capability, as nobody where root is dropped.

    With `readable` it can still read what only root may: the one capability that is kept, and only where
    namespaces decide what there is to be read.
    """
    made = ["setpriv", *_with_us(), "--no-new-privs"]
    if not (os.geteuid() == 0 or fence.engine == "unshare"):
        return made
    kept_one = ",+dac_read_search" if readable or (not fence.dropped and os.geteuid() == 0) else ""
    if fence.dropped:
        user, group = nobody()
        made += [f"--reuid={user}", f"--regid={group}", "--clear-groups", f"--ambient-caps=-all{kept_one}"]
        return [*made, f"--inh-caps=-all{kept_one}", f"--bounding-set=-all{kept_one}"]
    # Root of a namespace would get every capability in it back with the next program: also that of mounting.
    return [*made, "--inh-caps=-all", f"--bounding-set=-all{kept_one}"]


def _bwrap(fence: Fence, files: Sequence[str], scratch: str, cwd: str | None) -> list[str]:
    made = ["bwrap", "--die-with-parent", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    made += ["--unshare-pid"] if fence.processes else []
    if fence.hidden:
        for place in SYSTEM:
            folder = Path(place)
            if folder.is_symlink():
                made += ["--symlink", str(folder.readlink()), place]
            elif folder.is_dir():
                made += ["--ro-bind", place, place]
        for name in CONFIGURATION:
            made += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    else:
        made += ["--ro-bind", "/", "/"]
    made += ["--dev", "/dev"]
    if fence.processes:
        made += ["--proc", "/proc"]
    elif fence.hidden:
        made += ["--ro-bind", "/proc", "/proc"]
    for script in _scripts():
        made += ["--ro-bind", "/dev/null", script]
    if fence.hidden:
        at = len(made)
        for path in files:
            if not _shown(path) and Path(path).exists():
                made += ["--ro-bind", path, path]
        # The folders on the way to a file are made by bwrap, and are there for root alone unless told otherwise.
        made = [*made[:at], *_folders([*files, scratch]), *made[at:]]
    made += ["--bind", scratch, scratch, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", cwd or scratch]
    if os.geteuid() == 0:
        made += ["--cap-drop", "ALL"]
        wanted = ("SETUID", "SETGID", "SETPCAP", "DAC_READ_SEARCH") if has("setpriv") else ("DAC_READ_SEARCH",)
        for capability in wanted:
            made += ["--cap-add", f"CAP_{capability}"]
    return [*made, "--"]


def _folders(paths: Sequence[str]) -> list[str]:
    """Arguments for bwrap that make every folder above `paths`, open to all."""
    above = sorted({str(folder) for path in paths for folder in Path(path).parents if str(folder) != "/"})
    return [part for folder in above if not _shown(folder) for part in ("--perms", "0755", "--dir", folder)]


def _shown(path: str) -> bool:
    return any(below(path, place) for place in SYSTEM)


def _unshare(fence: Fence, scratch: str) -> list[str]:
    made = ["unshare", "--mount", "--net", "--ipc", "--uts"]
    if os.geteuid() != 0:
        made += ["--user", "--map-root-user"]
    if fence.processes:
        made += ["--pid", "--fork", "--kill-child", "--mount-proc"]
    with_us = ["setpriv", *_with_us()] if _with_us() else []
    return [*with_us, *made, "--", "/bin/sh", "-c", READ_ONLY, "sh", scratch]


@functools.cache
def _with_us() -> tuple[str, ...]:
    """For setpriv: end with the process that started it, however that ends. BusyBox's setpriv cannot do it."""
    place = shutil.which("setpriv")
    return ("--pdeathsig", "KILL") if place is not None and Path(place).resolve().name != "busybox" else ()


@functools.cache
def _scripts() -> tuple[str, ...]:
    """Lua scripts that tshark would load for every user."""
    top = Path("/")
    return tuple(str(path) for folder in SCRIPTS for path in sorted(top.glob(f"{folder[1:]}/**/*.lua")))


def has(program: str) -> bool:
    """Is this program on the PATH?"""
    return shutil.which(program) is not None
