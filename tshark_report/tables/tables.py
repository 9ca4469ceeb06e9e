"""Everything that rules may read: typed tables of one capture."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import polars as pl

from tshark_report.tables import analysis, exchanges, sessions
from tshark_report.tables import columns as col
from tshark_report.tables.certificates import CERTIFICATE_SCHEMA, certificates
from tshark_report.tables.read import Builder
from tshark_report.tables.schema import EXPERT_SCHEMA, FAMILY_SCHEMA, LAYER_SCHEMA, PACKET_SCHEMA

OPENING_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "stream": pl.UInt32(),
    "transport": pl.String(),
    "protocol": pl.String(),
    "payload": pl.UInt32(),
    "data": pl.Binary(),
    "order": pl.UInt8(),
}
"""The first bytes of the first packets with payload in each direction of each TCP and UDP stream. `data` holds at
most 256 bytes; `order` is 0 for the first such packet of that direction, then 1, 2, ...; `payload` its full length.
Of ICMP echo packets (`transport` icmp or icmpv6, no stream) the first twelve of one host to another are kept."""

SIGNATURE_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "stream": pl.UInt32(),
    "transport": pl.String(),
    "protocol": pl.String(),
    "kind": pl.String(),
    "context": pl.Binary(),
}
"""Frames whose bytes hold a known text or magic; `kind` is a name of capture.payload.SIGNATURES, `context` what stands
around the hit (at most 64 bytes before and 128 after; 512 before the start of a program)."""

FILE_SCHEMA: dict[str, pl.DataType] = {
    "name": pl.String(),
    "protocol": pl.String(),
    "source": pl.String(),
    "destination": pl.String(),
    "bytes": pl.UInt64(),
    "sha256": pl.String(),
    "sha1": pl.String(),
    "md5": pl.String(),
    "declared_type": pl.String(),
    "detected_type": pl.String(),
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "stream": pl.UInt32(),
    "uri": pl.String(),
    "host": pl.String(),
    "head": pl.Binary(),
    "inside": pl.List(pl.String()),
    "marks": pl.List(pl.String()),
}
"""Files that crossed the wire, as tshark reassembled them, and what was attached to mails. `source` sent it. `frame` is
where its transfer was asked for or ended; null where it could not be told. `detected_type` comes from the content.
`head`: first 512 bytes. `inside`: names of what an archive holds; `marks`: see capture.filetypes.Content."""


DERIVED = (
    "tcp_sessions", "udp_flows", "analysis", "streams", "copies", "resent", "acknowledgements", "exchanges", "delays",
)  # fmt: skip
"""Tables that come from `packets` and `expert` alone."""


@dataclass(frozen=True)
class Tables:
    """Typed tables of one capture. Every table exists, with its columns, even where it is empty.

    `packets`, `layers` and the family tables are described in tables.schema and tables.columns, `tcp_sessions` and
    `udp_flows` in tables.sessions, `analysis` in tables.analysis, `certificates` in tables.certificates.
    """

    packets: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PACKET_SCHEMA))
    layers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LAYER_SCHEMA))
    expert: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EXPERT_SCHEMA))
    families: dict[str, pl.DataFrame] = field(default_factory=dict)
    openings: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OPENING_SCHEMA))
    signatures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SIGNATURE_SCHEMA))
    files: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FILE_SCHEMA))
    link_types: tuple[str, ...] = ()
    missing_fields: frozenset[str] = frozenset()
    """Fields that this tshark does not have."""
    not_made: dict[str, str] = field(default_factory=dict)
    """Tables that could not be made (`openings`, `signatures`, `files`), with the reason."""
    kept: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """What one rule worked out about this capture and others ask for too, by any key of their own."""

    def family(self, name: str) -> pl.DataFrame:
        """A family table by name."""
        made = self.families.get(name)
        return made if made is not None else pl.DataFrame(schema=FAMILY_SCHEMA[name])

    @property
    def arp(self) -> pl.DataFrame:
        """ARP packets."""
        return self.family("arp")

    @property
    def icmp(self) -> pl.DataFrame:
        """ICMP and ICMPv6 packets."""
        return self.family("icmp")

    @property
    def dns(self) -> pl.DataFrame:
        """DNS packets; mDNS and LLMNR too (`protocol` tells)."""
        return self.family("dns")

    @property
    def http(self) -> pl.DataFrame:
        """HTTP/1 and HTTP/2 requests and responses, one row a packet; SSDP too (`protocol` tells)."""
        return self.family("http")

    @property
    def tls(self) -> pl.DataFrame:
        """Packets with TLS records."""
        return self.family("tls")

    @property
    def smb(self) -> pl.DataFrame:
        """SMB1 and SMB2 packets."""
        return self.family("smb")

    @property
    def dcerpc(self) -> pl.DataFrame:
        """DCE/RPC calls."""
        return self.family("dcerpc")

    @property
    def kerberos(self) -> pl.DataFrame:
        """Kerberos messages."""
        return self.family("kerberos")

    @property
    def ftp(self) -> pl.DataFrame:
        """FTP control lines and data packets."""
        return self.family("ftp")

    @property
    def mail(self) -> pl.DataFrame:
        """SMTP, POP3 and IMAP lines."""
        return self.family("mail")

    @property
    def telnet(self) -> pl.DataFrame:
        """Telnet data."""
        return self.family("telnet")

    @property
    def ssh(self) -> pl.DataFrame:
        """SSH packets."""
        return self.family("ssh")

    @property
    def dhcp(self) -> pl.DataFrame:
        """DHCP messages."""
        return self.family("dhcp")

    @property
    def nbns(self) -> pl.DataFrame:
        """NetBIOS name service packets."""
        return self.family("nbns")

    @property
    def wlan(self) -> pl.DataFrame:
        """802.11 frames."""
        return self.family("wlan")

    @property
    def misc(self) -> pl.DataFrame:
        """TFTP, NTP, Modbus, SNMP, RDP, SIP, IRC, MySQL and RADIUS packets."""
        return self.family("misc")

    @property
    def rtp(self) -> pl.DataFrame:
        """RTP packets of voice and video."""
        return self.family("rtp")

    @property
    def fragments6(self) -> pl.DataFrame:
        """Packets with an IPv6 fragment header."""
        return self.family("fragments6")

    @cached_property
    def tcp_sessions(self) -> pl.DataFrame:
        """One row a TCP stream."""
        return sessions.tcp_sessions(self.packets)

    @cached_property
    def udp_flows(self) -> pl.DataFrame:
        """One row a UDP stream."""
        return sessions.udp_flows(self.packets)

    @cached_property
    def analysis(self) -> pl.DataFrame:
        """TCP analysis flags."""
        return analysis.tcp_analysis(self.expert)

    @cached_property
    def streams(self) -> pl.DataFrame:
        """TCP packets with client, server, direction and relative sequence numbers; see tables.exchanges.directed."""
        return exchanges.directed(self.packets, self.tcp_sessions)

    @cached_property
    def copies(self) -> pl.DataFrame:
        """TCP packets that were recorded twice."""
        return exchanges.copies(self.packets, self.analysis)

    @cached_property
    def resent(self) -> pl.DataFrame:
        """Retransmissions with their cause."""
        return exchanges.resent(self.streams, self.analysis, self.copies)

    @cached_property
    def acknowledgements(self) -> pl.DataFrame:
        """TCP packets that moved the acknowledged point of their stream; `delays` and `exchanges` both look there."""
        return exchanges.acknowledgements(self.streams)

    @cached_property
    def delays(self) -> pl.DataFrame:
        """TCP data and its acknowledgement."""
        return exchanges.delays(self.streams, self.analysis, self.acknowledgements)

    @cached_property
    def exchanges(self) -> pl.DataFrame:
        """Questions of TCP clients and the answers of their servers, with what each side took."""
        return exchanges.exchanges(self.streams, self.analysis, self.acknowledgements)

    def derive(self) -> None:
        """Work out, ahead of the rules, the tables that need nothing but packets and expert items."""
        for name in DERIVED:
            getattr(self, name)

    def completed(self, *, certificates: pl.DataFrame | None, **made: Any) -> Tables:
        """These with what was read beside tshark: other fields, and certificates where they were put together.

        What was derived is kept: none of it comes from what is new.
        """
        families = self.families | ({"certificates": certificates} if certificates is not None else {})
        whole = replace(self, families=families, **made)
        vars(whole).update({name: vars(self)[name] for name in DERIVED if name in vars(self)})
        return whole

    @cached_property
    def certificates(self) -> pl.DataFrame:
        """Leaf certificates as the server sent them."""
        raw = self.families.get("certificates")
        return certificates(raw) if raw is not None else pl.DataFrame(schema=CERTIFICATE_SCHEMA)

    @cached_property
    def names(self) -> dict[str, str]:
        """For each address the host name by which a client reached it: DNS answer, TLS server name or HTTP host."""
        from tshark_report.tables.names import names_of

        return names_of(self)

    @property
    def first_time(self) -> float:
        """Seconds since 1970 of the earliest packet; 0 where there is none."""
        return float(self.packets["time"].min() or 0.0) if self.packets.height else 0.0  # type: ignore[arg-type]

    @property
    def last_time(self) -> float:
        """Seconds since 1970 of the latest packet; 0 where there is none."""
        return float(self.packets["time"].max() or 0.0) if self.packets.height else 0.0  # type: ignore[arg-type]

    @property
    def seconds(self) -> float:
        """Duration of the capture."""
        return self.last_time - self.first_time


def from_builder(builder: Builder, link_types: tuple[str, ...]) -> Tables:
    """The tables that one pass adds up to; what is read beside it comes by `completed`."""
    return Tables(
        packets=builder.packets(),
        layers=builder.layers(),
        expert=builder.family("expert"),
        families={name: builder.family(name) for name in col.FAMILY_NAMES},
        link_types=link_types,
        missing_fields=col.all_fields() - builder.known,
    )
