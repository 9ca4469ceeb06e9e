"""Makers of network cards, from the list that Wireshark itself ships.

Up to 4.0 it is a file beside Wireshark's other data; from 4.2 on it is inside the program, which prints it with
`tshark -G manuf` in a quarter of a second, so that the answer is kept in the cache folder.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from tshark_report.capture import kept, process
from tshark_report.capture.tshark import Tshark

LIST_SECONDS = 3.0
"""Longest that printing the list may take; without it the report names no makers."""
PRINTS_IT = (4, 2)
LOCAL = "locally administered: randomised or virtual"
"""Said of an address whose second bit says that no maker gave it (IEEE 802, section 8): phones make a new one for each
network, virtual machines and containers have them too."""
_LINE = re.compile(rb"([0-9A-Fa-f:.-]{8,17})(?:/(\d+))?\s+(\S+)(?:\s+(.*))?$")
VIRTUAL = {"52:54:00": "QEMU or KVM", "02:42:": "Docker"}
"""Beginnings of addresses that programs give to virtual network cards (their documentation)."""
_FEWEST = 1000
"""Lines of a list that is believed."""
_PREFIXES = (36, 28, 24)
_LONGEST_NAME = 60


def named(tshark: Tshark, macs: Iterable[str], env: dict[str, str]) -> dict[str, str]:
    """The maker of each hardware address (`00:1b:a9:10:20:30`), as far as the list knows it.

    An address that says of itself that it is locally administered, and that the list does not know, is called that.
    """
    wanted = {mac: _bits(mac) for mac in macs}
    listed = _list(tshark, env) if wanted else b""
    made: dict[str, str] = {}
    found: dict[str, dict[int, str]] = {}
    for mac, bits in wanted.items():
        if bits is None:
            continue
        start = mac[:8].upper()
        if start not in found:
            found[start] = _under(listed, start.encode())
        known = next((found[start][key] for size in _PREFIXES if (key := _key(bits, size)) in found[start]), "")
        local = bool(bits >> 40 & 2)
        virtual = next((name for prefix, name in VIRTUAL.items() if mac.lower().startswith(prefix)), "")
        if virtual or (local and not known):
            made[mac] = f"locally administered, as {virtual} does" if virtual else LOCAL
        elif known:
            made[mac] = f"{known}; locally administered" if local else known
    return made


def _bits(mac: str) -> int | None:
    return int(mac.replace(":", ""), 16) if re.fullmatch(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}", mac) else None


def _key(bits: int, size: int) -> int:
    """The first `size` bits, and which size it is."""
    return (bits >> (48 - size)) << 8 | size


def _under(listed: bytes, start: bytes) -> dict[int, str]:
    """The entries of the list that begin with these three bytes."""
    entries: dict[int, str] = {}
    at = listed.find(b"\n" + start)
    while at >= 0:
        end = listed.find(b"\n", at + 1)
        match = _LINE.match(listed[at + 1 : end if end >= 0 else len(listed)])
        if match is not None:
            plain = re.sub(rb"[:.-]", b"", match[1])
            size = int(match[2] or len(plain) * 4)
            name = (match[4] or match[3]).decode("utf-8", "replace").strip()[:_LONGEST_NAME]
            entries.setdefault(_key(int(plain.ljust(12, b"0"), 16), size), name)
        at = listed.find(b"\n" + start, at + 1)
    return entries


def _list(tshark: Tshark, env: dict[str, str]) -> bytes:
    for place in _files(tshark):
        try:
            return b"\n" + place.read_bytes()
        except OSError:
            continue
    if tshark.numbers < PRINTS_IT:
        return b""
    keep = kept.of_program("manuf", tshark.path, tshark.full_version)
    text = kept.read(keep)
    if text is None:
        done = process.run([tshark.path, "-G", "manuf"], timeout=LIST_SECONDS, env=env)
        text = done.stdout.decode("utf-8", "replace")
        if done.timed_out or text.count("\n") < _FEWEST:
            return b""
        kept.write(keep, text)
    return b"\n" + text.encode()


def _files(tshark: Tshark) -> list[Path]:
    """Where Wireshark's data may be, seen from the program."""
    program = Path(shutil.which(tshark.path) or tshark.path).resolve().parent
    places = [program.parent / "share" / "wireshark", program.parent / "Resources" / "share" / "wireshark"]
    if sys.platform == "win32":
        places.append(program)
    return [place / "manuf" for place in places]
