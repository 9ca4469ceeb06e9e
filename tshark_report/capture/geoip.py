"""Country and network operator of addresses, from the MaxMind databases that the user's Wireshark knows.

tshark looks them up itself (its `ip.geoip.*` fields). So that this costs next to nothing in a large capture, it is
given one made-up packet for each address. Nothing is asked of the network: the databases are files.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from tshark_report.capture import pcapng, process
from tshark_report.capture.tshark import Tshark

PATHS_FILE = "maxmind_db_paths"
"""Wireshark's list of folders with databases, one in quotes on a line, in its own and in the user's configuration."""
SECONDS = 10.0
MOST = 1_000
"""Addresses that are looked up."""
_RAW = 101
_FIELDS = (
    ("ip.src", "ip.geoip.src_country", "ip.geoip.src_asnum", "ip.geoip.src_org"),
    ("ipv6.src", "ipv6.geoip.src_country", "ipv6.geoip.src_asnum", "ipv6.geoip.src_org"),
)


def folders(tshark: Tshark) -> list[Path]:
    """Folders with at least one MaxMind database, from the user's and from Wireshark's own list."""
    home = Path(os.environ.get("WIRESHARK_CONFIG_DIR") or Path.home() / ".config" / "wireshark")
    windows = Path(os.environ["APPDATA"]) / "Wireshark" if os.environ.get("APPDATA") else None
    program = Path(shutil.which(tshark.path) or tshark.path).resolve().parent
    places = [home, windows, program.parent / "share" / "wireshark", program]
    found: dict[Path, None] = {}
    for place in filter(None, places):
        try:
            lines = (place / PATHS_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            folder = Path(line.strip().strip('"')).expanduser()
            if line.strip() and not line.startswith("#") and folder.is_absolute() and any(folder.glob("*.mmdb")):
                found[folder] = None
    return list(found)


def looked_up(
    tshark: Tshark, addresses: Iterable[str], databases: Sequence[Path], scratch: Path, env: dict[str, str]
) -> dict[str, tuple[str, str]]:
    """Country and autonomous system (`AS64500 Example Network`) of each address that a database knows."""
    frames = [_packet(address) for address in dict.fromkeys(addresses) if _is_ip(address)][:MOST]
    if not frames or not databases:
        return {}
    config = scratch / "geoip"
    config.mkdir(exist_ok=True)
    near = _near(databases, config)
    (config / PATHS_FILE).write_text(f'"{near}"\n', encoding="utf-8")
    path = scratch / "addresses.pcapng"
    path.write_bytes(pcapng.written(frames))
    args = [tshark.path, "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f"]
    args += [part for name in (*_FIELDS[0], *_FIELDS[1]) for part in ("-e", name)]
    done = process.run(args, timeout=SECONDS, env={**env, "WIRESHARK_CONFIG_DIR": str(config)})
    made: dict[str, tuple[str, str]] = {}
    for line in done.stdout.decode("utf-8", "replace").split("\n"):
        cells = line.split("\t")
        if len(cells) != len(_FIELDS) * 4:
            continue
        address, country, number, organisation = cells[:4] if cells[0] else cells[4:]
        system = f"AS{number} {organisation}".strip() if number else organisation
        if address and (country or system):
            made[address] = (country, system)
    return made


def _near(databases: Sequence[Path], config: Path) -> Path:
    """A folder in the scratch folder with all databases: behind the fence tshark sees no other."""
    near = config / "databases"
    near.mkdir(exist_ok=True)
    for number, file in enumerate(sorted(file for folder in databases for file in folder.glob("*.mmdb"))):
        target = near / f"{number}-{file.name}"
        if target.exists():
            continue
        with contextlib.suppress(OSError):
            try:
                target.hardlink_to(file.resolve())
            except OSError:
                shutil.copyfile(file, target)
    return near


def _is_ip(address: str) -> bool:
    """A host without an IP layer goes by its hardware address."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _packet(address: str) -> pcapng.Frame:
    """An IP header without anything behind it (next header 59), from and to the address."""
    raw = ipaddress.ip_address(address).packed
    if len(raw) == 4:
        head = b"\x45\0\0\x14\0\0\0\0\x40\x3b\0\0"
    else:
        head = b"\x60\0\0\0\0\0\x3b\x40"
    data = head + raw + raw
    return pcapng.Frame(data, len(data), _RAW, 0)
