"""The fence around tshark: what a dissector that a packet has taken over could still reach.

bubblewrap, or else unshare, gives a process no network, nothing to write to but the scratch folder and no sight of
other processes; bubblewrap also hides every file that is not part of the system or named in the command. setpriv takes
root's identity away, `ulimit` bounds memory, processor time and file size. What a system does not permit is left out,
part by part, and `tshark-report doctor` says which parts hold. A start behind the whole fence costs about 10 ms.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tshark_report.capture import kept

SCRATCH = "TSHARK_REPORT_SCRATCH"
"""Variable in a process's environment that asks for the fence and names the one folder that stays writable."""

SWITCH = "TSHARK_REPORT_FENCE"
"""Variable of the user's: `off` starts tshark unfenced, for systems where the fence itself is the trouble."""

OFF = ("off", "0", "no")

LEAST_MEMORY = 4 * 1024**3
"""Bytes of address space that tshark gets on any machine: with its libraries it needs 1 GB for a million packets."""

MEMORY_SHARE = 0.75
"""Share of the machine's memory that one process may map: one that eats more takes the machine down with it."""

FILE_LIMIT = 8 * 1024**3
"""Bytes that one file written behind the fence may have: carried files and cuts of a capture, never a full disk."""

CPU_SLACK = 10.0
"""Seconds of processor time beyond the deadline: the deadline ends a process first, unless we are gone."""

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

NOT_PATHS = ("-Y", "-z", "-a", "-e", "-d")
"""Options whose argument may hold text from the wire: never taken for a path to be shown."""

PROBE_SECONDS = 10.0

EDITION = 1
"""Raised when the fence is built in another way, so that what an older version found out is asked again."""


@dataclass(frozen=True)
class Fence:
    """Which parts of the fence a process gets."""

    engine: str = ""
    """`bwrap`, `unshare`, or empty: no namespaces."""
    hidden: bool = False
    """Only the system, the files named in the command and the scratch folder can be seen (bwrap)."""
    processes: bool = False
    """Other processes cannot be seen or signalled."""
    dropped: bool = False
    """Runs as `nobody` although this tool was started by root."""
    limits: bool = False
    """Memory, processor time and file size are bounded."""
    no_new_privileges: bool = False

    def parts(self) -> dict[str, bool]:
        """What holds, in words for a person."""
        root = os.name == "posix" and os.geteuid() == 0
        made = {
            "no network": bool(self.engine),
            "nothing writable but the scratch folder": bool(self.engine),
            "files that were not named are hidden": self.hidden,
            "other processes are hidden": self.processes,
            "no new privileges": self.no_new_privileges,
            "memory, processor time and file size bounded": self.limits,
        }
        return made | {"not as root": self.dropped} if root else made


def nobody() -> tuple[int, int]:
    """User and group that root's processes are given."""
    import pwd

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return entry.pw_uid, entry.pw_gid


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
    fence = of_program(args[0], scratch)
    _hand_over(Path(scratch), fence)
    # The fence starts it from another folder, so a relative path would lead nowhere.
    return wrapped(fence, [_absolute(args[0]), *args[1:]], given, scratch, timeout, cwd), given


@contextmanager
def launcher(program: str, env: Mapping[str, str], timeout: float) -> Iterator[str]:
    """A script that starts `program` behind the fence, for a library that starts it itself.

    It stands in a folder of its own: in the scratch folder a fenced process could rewrite it.
    """
    if not env.get(SCRATCH) or os.name != "posix":
        yield program
        return
    full, given = command([program], env, timeout)
    with tempfile.TemporaryDirectory(prefix="tshark-report-") as folder:
        script = Path(folder) / "tshark"
        variables = [f"{key}={value}" for key, value in given.items()]
        script.write_text(
            f'#!/bin/sh\nexec {shlex.join(["env", "-i", *variables, *full])} "$@"\n', "utf-8", "surrogateescape"
        )
        script.chmod(0o700)
        yield str(script)


def of_program(program: str, scratch: str) -> Fence:
    """The strongest fence in which `program` runs here.

    Raises:
        OSError: it cannot be started at all.
    """
    if os.environ.get(SWITCH, "").lower() in OFF:
        return Fence()
    fence = _of_place(_absolute(program), scratch, os.geteuid())
    if fence.dropped and not fence.engine and not _ways_open(Path(scratch)):
        # Without namespaces nobody cannot get into a scratch folder below a closed one, such as root's home.
        return replace(fence, dropped=False)
    return fence


def _absolute(program: str) -> str:
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
    for fence in _candidates() if said else ():
        if repr(fence) == said:
            return fence
    plain = _unfenced(place)
    for fence in _candidates():
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
    try:
        done = subprocess.run(
            [place, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.SubprocessError:
        return b""
    return done.stdout.partition(b"\n")[0] if done.returncode == 0 else b""


def _says(fence: Fence, place: str, scratch: str) -> bytes | None:
    """The first line that `place --version` prints behind the fence, with the scratch folder writable; else None."""
    _hand_over(Path(scratch), fence)
    what = [place, "--version"] if place != "/bin/true" else [place]
    inside = ["/bin/sh", "-c", 'test -w "$0" || exit 9; exec "$@"', scratch, *what]
    env = {key: value for key, value in os.environ.items() if key not in (SCRATCH, SWITCH)} | {"HOME": scratch}
    try:
        done = subprocess.run(
            wrapped(fence, inside, env, scratch, PROBE_SECONDS, None, shown=(place,)), capture_output=True,
            stdin=subprocess.DEVNULL, timeout=PROBE_SECONDS, env=env, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.partition(b"\n")[0] if done.returncode == 0 else None


def _candidates() -> Iterator[Fence]:
    """What this system may permit, strongest first; the last is no fence at all."""
    limits, setpriv = _has("/bin/sh"), _has("setpriv")
    base = Fence(limits=limits, no_new_privileges=setpriv)
    # Keeping root's identity is worse than any other part that is missing.
    for dropped in (True, False) if os.geteuid() == 0 and setpriv else (False,):
        own = replace(base, dropped=dropped)
        if _has("bwrap"):
            for hidden in (True, False):
                for processes in (True, False):
                    yield replace(own, engine="bwrap", hidden=hidden, processes=processes, no_new_privileges=True)
        if _has("unshare") and _has("mount") and setpriv:
            for processes in (True, False):
                yield replace(own, engine="unshare", processes=processes)
        yield own
    yield replace(base, no_new_privileges=False)


def _has(program: str) -> bool:
    return shutil.which(program) is not None


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
        inner = ["/bin/sh", "-c", _limits(timeout), "sh", *inner]
    files = [path for path in dict.fromkeys([*_named(args), *_profile(env), *shown]) if not _below(path, scratch)]
    if "/" in args[0]:
        files.append(args[0])
    if (fence.no_new_privileges or fence.dropped) and _has("setpriv"):
        closed = fence.dropped and not all(_open_to_all(Path(path), above=not fence.hidden) for path in files)
        closed |= fence.dropped and not fence.hidden and not _ways_open(Path(scratch))
        inner = _setpriv(fence, readable=closed and bool(fence.engine)) + inner
    if fence.engine == "bwrap":
        return [*_bwrap(fence, files, scratch, cwd), *inner]
    if fence.engine == "unshare":
        return [*_unshare(fence, scratch), *inner]
    return inner


def _limits(timeout: float) -> str:
    """A shell that bounds what follows; a bound that a system does not know is left out."""
    parts = [
        ("-c", 0),
        ("-v", _memory() // 1024),
        ("-t", int(2 * timeout + CPU_SLACK)),
        ("-f", FILE_LIMIT // 512),
    ]
    return "".join(f"ulimit {flag} {number} 2>/dev/null; " for flag, number in parts) + 'exec "$@"'


@functools.cache
def _memory() -> int:
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return LEAST_MEMORY
    return max(LEAST_MEMORY, int(whole * MEMORY_SHARE))


def _setpriv(fence: Fence, *, readable: bool) -> list[str]:
    """No new privileges and no capability, as nobody where root is dropped.

    With `readable` it can still read what only root may: the one capability that is kept, and only where
    namespaces decide what there is to be read.
    """
    made = ["setpriv", "--no-new-privs"]
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
        wanted = ("SETUID", "SETGID", "SETPCAP", "DAC_READ_SEARCH") if _has("setpriv") else ("DAC_READ_SEARCH",)
        for capability in wanted:
            made += ["--cap-add", f"CAP_{capability}"]
    return [*made, "--"]


def _folders(paths: Sequence[str]) -> list[str]:
    """Arguments for bwrap that make every folder above `paths`, open to all."""
    above = sorted({str(folder) for path in paths for folder in Path(path).parents if str(folder) != "/"})
    return [part for folder in above if not _shown(folder) for part in ("--perms", "0755", "--dir", folder)]


def _shown(path: str) -> bool:
    return any(_below(path, place) for place in SYSTEM)


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


def _unshare(fence: Fence, scratch: str) -> list[str]:
    made = ["unshare", "--mount", "--net", "--ipc", "--uts"]
    if os.geteuid() != 0:
        made += ["--user", "--map-root-user"]
    if fence.processes:
        made += ["--pid", "--fork", "--kill-child", "--mount-proc"]
    return [*made, "--", "/bin/sh", "-c", READ_ONLY, "sh", scratch]


@functools.cache
def _scripts() -> tuple[str, ...]:
    """Lua scripts that tshark would load for every user."""
    top = Path("/")
    return tuple(str(path) for folder in SCRIPTS for path in sorted(top.glob(f"{folder[1:]}/**/*.lua")))


def _named(args: Sequence[str]) -> list[str]:
    """Files that a command names: as an argument of their own, or inside a preference."""
    made = []
    for before, arg in zip(args, args[1:], strict=False):
        if before in NOT_PATHS:
            continue
        texts = [arg] if arg.startswith("/") else re.findall(r'/[^",:;\0]+', arg) if before == "-o" else []
        made += [text for text in texts if _is_file(text)]
    return made


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _profile(env: Mapping[str, str]) -> list[str]:
    """The user's Wireshark configuration, where the environment has not replaced it."""
    config = env.get("WIRESHARK_CONFIG_DIR") or str(Path(env.get("HOME", "/nonexistent")) / ".config" / "wireshark")
    return [config] if Path(config).is_dir() else []


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _open_to_all(path: Path, *, above: bool = True) -> bool:
    """May anybody read this file or folder, and with `above` go through the folders above it?"""
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            return False
        return not above or _ways_open(path)
    except OSError:
        return False


def _ways_open(path: Path) -> bool:
    """May anybody go through the folders above?"""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.absolute().parents)


def readable(path: Path, scratch: Path, program: str) -> Path:
    """A path under which the fenced `program` can read `path`: the same, or where that cannot be, a copy in `scratch`.

    Root's own files cannot be read by nobody. In a mount namespace a capability does it; without one a copy must.

    Raises:
        OSError: the copy cannot be written.
    """
    if os.name != "posix" or os.geteuid() != 0 or _below(str(path), str(scratch)):
        return path
    fence = of_program(program, str(scratch))
    if not fence.dropped or fence.engine or _open_to_all(path):
        return path
    copy = scratch / "capture"
    shutil.copyfile(path, copy)
    copy.chmod(0o644)
    return copy


def _hand_over(scratch: Path, fence: Fence) -> None:
    """Give root's scratch folder and the folders in it to whom has to write there."""
    if os.geteuid() != 0:
        return
    user, group = nobody() if fence.dropped else (0, 0)
    with suppress(OSError):
        os.chown(scratch, user, group)
        for entry in os.scandir(scratch):
            if entry.is_symlink():
                continue
            os.chown(entry.path, user, group, follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                for below in os.scandir(entry.path):
                    if below.is_dir(follow_symlinks=False):
                        os.chown(below.path, user, group, follow_symlinks=False)


def without_links(scratch: Path) -> None:
    """Remove symbolic links, pipes and devices from the scratch folder: what we read there must lie there."""
    folders = [scratch]
    while folders:
        with suppress(OSError):
            for entry in os.scandir(folders.pop()):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    Path(entry.path).unlink()


def code(number: int) -> int:
    """An exit code as subprocess gives it: negative where a shell or bwrap says 128 + signal."""
    if number > 128 and number - 128 in {int(each) for each in signal.Signals}:
        return 128 - number
    return number


def on_this_system() -> bool:
    """Is there a fence for this kind of system at all?"""
    return sys.platform == "linux"
