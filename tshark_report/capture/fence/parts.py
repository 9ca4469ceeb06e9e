"""What a fence may consist of, and saying it to a person."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

SCRATCH = "TSHARK_REPORT_SCRATCH"
"""Variable in a process's environment that asks for the fence and names the one folder that stays writable."""


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


CLOSED = {
    "unprivileged_userns_clone": ("0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    "apparmor_restrict_unprivileged_userns": ("1", "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
}
"""Switches below /proc/sys/kernel that keep ordinary accounts from making namespaces: value, cure (Debian, Ubuntu)."""


def advice(fence: Fence) -> str:
    """What to do about the parts that do not hold here; empty where all do."""
    missing = [part for part, holds in fence.parts().items() if not holds]
    if not missing:
        return ""
    if not on_this_system():
        return "no fence is known for this system; read captures of strangers in a container or a virtual machine"
    if missing == ["not as root"]:
        return "run tshark-report as an ordinary user"
    if shutil.which("bwrap") is None:
        return "sudo apt-get install bubblewrap"
    for name, (value, cure) in CLOSED.items():
        try:
            if (Path("/proc/sys/kernel") / name).read_text(encoding="ascii").strip() == value:
                return cure
        except OSError:
            continue
    return (
        "allow user namespaces (sysctl user.max_user_namespaces; in a container its seccomp profile); until then read "
        "captures of strangers in a virtual machine"
    )


def on_this_system() -> bool:
    """Is there a fence for this kind of system at all?"""
    return sys.platform == "linux"
