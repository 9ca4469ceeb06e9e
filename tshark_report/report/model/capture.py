"""The capture, its hosts, and the files that crossed it."""

from __future__ import annotations

from tshark_report.report.model.basics import Model


class Vlan(Model, frozen=True, kw_only=True):
    """A VLAN and its traffic; `id` is `100.20` where one VLAN is inside another."""

    id: str
    packets: int
    bytes: int


class CaptureInfo(Model, frozen=True, kw_only=True):
    """The capture itself."""

    file_name: str
    sha256: str
    file_bytes: int
    file_type: str
    link_types: list[str]
    packets: int
    first_time: str | None
    last_time: str | None
    duration_s: float
    truncated: bool
    compressed: bool = False
    bytes_on_wire: int = 0
    bytes_captured: int = 0
    snap_length_cut_packets: int = 0
    interfaces: list[str] = []
    capture_application: str = ""
    capture_os: str = ""
    comments: list[str] = []
    clock_ordered: bool = True
    vlans: list[Vlan] = []
    """Most packets first."""
    filter: str = ""
    """The display filter that the report was limited to (`--filter`, `--from`, `--to`); empty for the whole file."""
    warnings: list[str] = []


class Host(Model, frozen=True, kw_only=True):
    """One address and what the capture shows of it."""

    address: str
    local: bool
    macs: list[str] = []
    vendors: list[str] = []
    """The maker of each of `macs`, or that it is locally administered; empty text where it is not known."""
    names: list[str] = []
    users: list[str] = []
    os_hint: str = ""
    services: list[str] = []
    """What it offered, for example `tcp/443 (https)`."""
    packets_sent: int = 0
    packets_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    first_time: str | None = None
    last_time: str | None = None
    vlans: list[str] = []
    """VLANs in which it sent."""
    country: str = ""
    autonomous_system: str = ""


class CarriedFile(Model, frozen=True, kw_only=True):
    """A file that crossed the wire."""

    name: str
    protocol: str
    source: str
    destination: str
    bytes: int
    sha256: str
    declared_type: str
    detected_type: str
    frame: int | None = None
    time: str | None = None
    complete: bool = True
