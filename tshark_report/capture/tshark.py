"""Find tshark, know its version and its fields, and start it with a clean configuration."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tshark_report.capture import fence, kept, process
from tshark_report.errors import TsharkFailed, TsharkMissing, TsharkTooOld

OLDEST = (4, 0, 0)
"""Custom columns that name several fields, and `frame.protocols` as they are read here, were checked from 4.0 on."""

USUAL_PLACES: dict[str, tuple[str, ...]] = {
    "linux": ("/usr/bin/tshark", "/usr/local/bin/tshark", "/opt/wireshark/bin/tshark", "/snap/bin/tshark"),
    "darwin": (
        "/Applications/Wireshark.app/Contents/MacOS/tshark",
        "/opt/homebrew/bin/tshark",
        "/usr/local/bin/tshark",
        "/opt/local/bin/tshark",
    ),
    "win32": (r"C:\Program Files\Wireshark\tshark.exe", r"C:\Program Files (x86)\Wireshark\tshark.exe"),
}
"""Where the usual installers put tshark, looked at after PATH."""

START_SECONDS = 30.0
"""Limit for calls that read no capture (version, field list): they take well under a second."""


@dataclass(frozen=True)
class Tshark:
    """A tshark that runs."""

    path: str
    version: str
    numbers: tuple[int, int, int]
    full_version: str

    def companion(self, name: str) -> str | None:
        """`capinfos` or `editcap` of the same installation, else the one on PATH; None where there is none."""
        suffix = Path(self.path).suffix
        beside = Path(self.path).with_name(name + suffix)
        return str(beside) if beside.exists() else shutil.which(name)


def places() -> list[str]:
    """Where tshark is looked for, in order: $TSHARK, PATH, the usual places of this system."""
    found = [os.environ["TSHARK"]] if os.environ.get("TSHARK") else []
    on_path = shutil.which("tshark")
    found += [on_path] if on_path else []
    found += [place for place in USUAL_PLACES.get(sys.platform, USUAL_PLACES["linux"]) if place not in found]
    return found


def install_hint() -> str:
    """The command that installs tshark on this system."""
    if sys.platform == "darwin":
        return "brew install --cask wireshark"
    if sys.platform == "win32":
        return "winget install WiresharkFoundation.Wireshark"
    if shutil.which("dnf"):
        return "sudo dnf install wireshark-cli"
    return "sudo apt-get install tshark"


def environment(scratch: Path, *, own_profile: bool = False) -> dict[str, str]:
    """The environment for tshark: UTC, plain messages, the fence, and an empty configuration unless `own_profile`.

    An empty configuration keeps the user's preferences, colour rules, disabled protocols and
    personal plugins from changing what the report says.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith(("WIRESHARK_", "LC_", "LANG"))}
    env |= {"LC_ALL": "C.UTF-8", "TZ": "UTC", "TMPDIR": str(scratch), fence.SCRATCH: str(scratch)}
    if not own_profile:
        config = scratch / "config"
        config.mkdir(exist_ok=True)
        # The home folder as well: tshark looks there for plugins and Lua scripts.
        env |= {"WIRESHARK_CONFIG_DIR": str(config), "HOME": str(config)}
    elif "WIRESHARK_CONFIG_DIR" in os.environ:
        env["WIRESHARK_CONFIG_DIR"] = os.environ["WIRESHARK_CONFIG_DIR"]
    return env


def find(explicit: str | None, env: dict[str, str]) -> Tshark:
    """The tshark to use: `explicit` if given, else the first of `places()` that exists.

    Raises:
        TsharkMissing: none exists, or it cannot be started.
        TsharkTooOld: it is older than `OLDEST`.
        TsharkFailed: it starts and does not say its version.
    """
    looked = [explicit] if explicit else places()
    path = next((place for place in looked if shutil.which(place)), None)
    if path is None:
        raise TsharkMissing(
            "tshark was not found",
            detail="looked at: " + ", ".join(looked) + ("" if explicit else ", and every folder of PATH"),
            causes=("Wireshark's command-line tools are not installed", "they are in a place that is not on PATH"),
            next_step=f"{install_hint()}   or   tshark-report report --tshark /path/to/tshark CAPTURE",
        )
    place = kept.of_program("version", path)
    first = (kept.read(place) or "").splitlines()[:1]
    if first and (match := _version(first[0])) and _numbers(match) >= OLDEST:
        return Tshark(path, ".".join(match.groups()), _numbers(match), first[0].strip())
    try:
        done = process.run([path, "--version"], timeout=START_SECONDS, env=env)
    except OSError as error:
        raise TsharkMissing(
            "tshark cannot be started",
            detail=f"{path}: {error.strerror}",
            causes=("the file is not a program for this machine", "its execute permission is missing"),
            next_step=install_hint(),
        ) from error
    first = done.stdout.decode("utf-8", "replace").splitlines()[:1]
    match = _version(first[0]) if first else None
    if done.timed_out or match is None:
        raise TsharkFailed(
            "tshark does not say its version",
            detail=f"{path} --version: "
            + (f"no answer in {START_SECONDS:.0f} s" if done.timed_out else done.last_error or "nothing printed"),
            causes=("this file is not Wireshark's tshark", "its installation is damaged"),
            next_step=f"{path} --version",
        )
    numbers = _numbers(match)
    if numbers < OLDEST:
        raise TsharkTooOld(
            f"tshark {'.'.join(match.groups())} is too old",
            detail=f"{path}; this tool needs {'.'.join(map(str, OLDEST))} or newer",
            causes=("the system's package is from an older release",),
            next_step=install_hint(),
        )
    kept.write(place, first[0].strip())
    return Tshark(path, ".".join(match.groups()), numbers, first[0].strip())


def _version(line: str) -> re.Match[str] | None:
    return re.search(r"TShark .*?(\d+)\.(\d+)\.(\d+)", line)


def _numbers(match: re.Match[str]) -> tuple[int, int, int]:
    return (int(match[1]), int(match[2]), int(match[3]))


def cache_folder() -> Path:
    """Where small things that do not depend on a capture are kept between runs."""
    return kept.folder()


def known_fields(tshark: Tshark, wanted: frozenset[str], env: dict[str, str]) -> frozenset[str]:
    """Those of `wanted` that this tshark knows.

    A custom column of an unknown field is silently empty, so this is asked before, with `-G fields`.
    That takes a third of a second and depends on the tshark alone: the answer is kept in the cache folder,
    under the version, the program's size and time, and the wanted names.

    Raises:
        TsharkFailed: tshark does not list its fields.
    """
    place = kept.of_program("fields", tshark.path, f"{tshark.full_version} " + " ".join(sorted(wanted)))
    if (said := kept.read(place)) is not None:
        return frozenset(said.split()) & wanted
    done = process.run([tshark.path, "-G", "fields"], timeout=START_SECONDS, env=env)
    names = {
        parts[2].decode("ascii", "replace")
        for line in done.stdout.split(b"\n")
        if line.startswith(b"F\t") and len(parts := line.split(b"\t", 3)) > 3
    }
    if len(names) < 1000:
        raise TsharkFailed(
            "tshark does not list its fields",
            detail=f"{tshark.path} -G fields printed {len(names)} of them; {done.last_error}",
            causes=("the installation is damaged",),
            next_step=f"{tshark.path} -G fields | head",
        )
    found = frozenset(names) & wanted
    kept.write(place, "\n".join(sorted(found)))
    return found
