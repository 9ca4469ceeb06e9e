"""Which tshark fields are read, what each becomes, and which table it goes to.

A column is a name, one or more tshark fields that share it, an occurrence and a
dtype. `CORE` is read for every packet; a `Family` is read with it, and its rows
are the packets in which at least one of its columns has a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

Dtype = Literal["text", "int", "hex", "float", "bool", "texts", "ints", "hexes"]
"""`texts`, `ints` and `hexes` are lists: every occurrence of the field in the packet, in packet order."""


@dataclass(frozen=True)
class Column:
    """One column of one tshark pass."""

    name: str
    fields: tuple[str, ...]
    dtype: Dtype = "text"
    full_only: bool = False
    """Read only by the full layout: its field also stands in packets of other groups, so it cannot share a slot."""

    @property
    def many(self) -> bool:
        """True where every occurrence is wanted, not just the first."""
        return self.dtype in ("texts", "ints", "hexes")


@dataclass(frozen=True)
class Family:
    """A sparse table: the packets of one protocol (or kind of protocol)."""

    name: str
    columns: tuple[Column, ...]


def _c(name: str, field: str, dtype: Dtype = "text", *, full_only: bool = False) -> Column:
    return Column(name, tuple(field.split(" | ")), dtype, full_only)


BuiltIn = tuple[tuple[str, str], ...]
Packs = tuple[tuple[str, tuple[str, ...]], ...]

BUILT_IN: BuiltIn = (
    ("frame", "%m"),
    ("src", "%us"),
    ("src_port", "%uS"),
    ("time", "%t"),
    ("dst", "%ud"),
    ("dst_port", "%uD"),
    ("length", "%L"),
    ("eth_src", "%uhs"),
    ("protocol", "%p"),
    ("eth_dst", "%uhd"),
)
"""tshark's own columns, nearly free. Addresses and ports are the innermost layer's. Source and destination
columns must not stand side by side: tshark prints an arrow between them."""

PACKS: Packs = (
    ("protocols", ("frame.protocols",)),
    (
        "transport_pack",
        (
            "tcp.stream", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.window_size",
            "udp.stream", "udp.length",
        ),
    ),
    (
        "network_pack",
        (
            "ip.ttl", "ip.id", "ip.flags", "ip.frag_offset", "ip.len",
            "ipv6.hlim", "ipv6.plen", "ipv6.fraghdr.offset", "ipv6.fraghdr.more",
        ),
    ),
)  # fmt: skip
"""Fields that are there in every packet of their protocol, in one column, comma-separated in this order: a column
costs tshark three times what a field costs."""

LEAN_BUILT_IN: BuiltIn = (("frame", "%m"), ("time", "%t"), ("length", "%L"), ("protocol", "%p"))
LEAN_PACKS: Packs = (
    ("protocols", ("frame.protocols",)),
    ("stream_pack", ("tcp.stream", "tcp.window_size", "udp.stream")),
)
"""What tshark is asked where the headers were read from the file beside it (capture.headers)."""

LAYERED: tuple[Column, ...] = (
    _c("protocols", "frame.protocols"),
    _c("eth_src", "eth.src | wlan.sa | sll.src.eth", "texts"),
    _c("eth_dst", "eth.dst | wlan.da", "texts"),
    _c("src", "ip.src | ipv6.src | arp.src.proto_ipv4", "texts"),
    _c("dst", "ip.dst | ipv6.dst | arp.dst.proto_ipv4", "texts"),
    _c("src_port", "tcp.srcport | udp.srcport | sctp.srcport", "ints"),
    _c("dst_port", "tcp.dstport | udp.dstport | sctp.dstport", "ints"),
    _c("stream", "tcp.stream | udp.stream", "ints"),
    _c("ttl", "ip.ttl | ipv6.hlim", "ints"),
    _c("ip_id", "ip.id", "hexes"),
    _c("ip_flags", "ip.flags", "hexes"),
    _c("fragment_offset", "ip.frag_offset | ipv6.fraghdr.offset", "ints"),
    _c("ip_length", "ip.len | ipv6.plen", "ints"),
    _c("more_fragments", "ipv6.fraghdr.more", "texts"),
    _c("flags", "tcp.flags", "hexes"),
    _c("seq", "tcp.seq_raw", "ints"),
    _c("ack", "tcp.ack_raw", "ints"),
    _c("tcp_payload", "tcp.len", "ints"),
    _c("udp_length", "udp.length", "ints"),
    _c("window", "tcp.window_size", "ints"),
)
"""The same and more, read by `-T fields` for packets with several layers of a kind; tables.layers picks the value."""

EXPERT: tuple[Column, ...] = (
    _c("severity", "_ws.expert.severity", "texts"),
    _c("group", "_ws.expert.group", "texts"),
    _c("message", "_ws.expert.message", "texts"),
)

FAMILIES: tuple[Family, ...] = (
    Family(
        "arp",
        (
            _c("opcode", "arp.opcode", "int"),
            _c("src_mac", "arp.src.hw_mac", "text"),
            _c("dst_mac", "arp.dst.hw_mac", "text"),
            _c("sender", "arp.src.proto_ipv4", "text"),
            _c("target", "arp.dst.proto_ipv4", "text"),
        ),
    ),
    Family(
        "icmp",
        (
            _c("type", "icmp.type | icmpv6.type", "int"),
            _c("code", "icmp.code | icmpv6.code", "int"),
            _c("ident", "icmp.ident | icmpv6.echo.identifier", "int"),
            _c("sequence", "icmp.seq | icmpv6.echo.sequence_number", "int"),
            _c("mtu", "icmp.mtu | icmpv6.mtu", "int"),
            _c("gateway", "icmp.redir_gw", "text"),
            _c("target", "icmpv6.nd.ns.target_address", "text"),
            _c("all_dst", "ip.dst | ipv6.dst", "texts", full_only=True),
            _c("all_dst_port", "tcp.dstport | udp.dstport", "ints", full_only=True),
        ),
    ),
    Family(
        "dns",
        (
            _c("id", "dns.id", "hex"),
            _c("response", "dns.flags.response", "bool"),
            _c("rcode", "dns.flags.rcode", "int"),
            _c("name", "dns.qry.name", "text"),
            _c("type", "dns.qry.type", "int"),
            _c("answer_names", "dns.resp.name", "texts"),
            _c("answer_types", "dns.resp.type", "ints"),
            _c("ttls", "dns.resp.ttl", "ints"),
            _c("a", "dns.a", "texts"),
            _c("aaaa", "dns.aaaa", "texts"),
            _c("cname", "dns.cname", "text"),
            _c("txt", "dns.txt", "text"),
            _c("answer_seconds", "dns.time", "float"),
            _c("retransmitted", "dns.retransmission", "bool"),
        ),
    ),
    Family(
        "nbns",
        (
            _c("name", "nbns.name", "text"),
            _c("response", "nbns.flags.response", "bool"),
            _c("address", "nbns.addr", "text"),
        ),
    ),
    Family(
        "http",
        (
            _c("method", "http.request.method | http2.headers.method", "text"),
            _c("host", "http.host | http2.headers.authority", "text"),
            _c("uri", "http.request.uri | http2.headers.path", "text"),
            _c("status", "http.response.code | http2.headers.status", "int"),
            _c("user_agent", "http.user_agent", "text"),
            _c("referer", "http.referer", "text"),
            _c("content_type", "http.content_type", "text"),
            _c("content_length", "http.content_length_header", "int"),
            _c("content_encoding", "http.content_encoding", "text"),
            _c("location", "http.location", "text"),
            _c("server", "http.server", "text"),
            _c("authorization", "http.authorization", "text"),
            _c("authenticate", "http.www_authenticate", "text"),
            _c("credentials", "http.authbasic", "text"),
            _c("cookie", "http.cookie", "text"),
            _c("form_keys", "urlencoded-form.key", "texts"),
            _c("form_values", "urlencoded-form.value", "texts"),
            _c("request_frame", "http.request_in", "int"),
            _c("answer_seconds", "http.time", "float"),
        ),
    ),
    Family(
        "tls",
        (
            _c("handshake", "tls.handshake.type", "ints"),
            _c("record", "tls.record.content_type", "ints"),
            _c("record_length", "tls.record.length", "ints"),
            _c("version", "tls.handshake.version", "hex"),
            _c("supported_version", "tls.handshake.extensions.supported_version", "text"),
            _c("server_name", "tls.handshake.extensions_server_name", "text"),
            _c("cipher", "tls.handshake.ciphersuite", "text"),
            _c("ja3", "tls.handshake.ja3", "text"),
            _c("ja3s", "tls.handshake.ja3s", "text"),
            _c("ja4", "tls.handshake.ja4", "text"),
            _c("alert", "tls.alert_message.desc", "int"),
            _c("heartbeat", "tls.heartbeat_message.type", "int"),
            _c("heartbeat_payload", "tls.heartbeat_message.payload_length", "int"),
            _c("quic_version", "quic.version", "hex"),
            _c("alpn", "tls.handshake.extensions_alpn_str", "text"),
        ),
    ),
    Family(
        "certificates",
        (
            # A column shows the first 36 bytes; capture.handshakes puts the whole together.
            _c("der", "tls.handshake.certificate", "text"),
            _c("alt_names", "x509ce.dNSName", "texts"),
            _c("lengths", "tls.handshake.certificate_length", "ints"),
        ),
    ),
    Family(
        "smb",
        (
            _c("command2", "smb2.cmd", "hexes"),
            _c("command1", "smb.cmd", "hexes"),
            _c("response", "smb2.flags.response | smb.flags.response", "bool"),
            _c("status", "smb2.nt_status | smb.nt_status", "hex"),
            _c("file", "smb2.filename | smb.file", "text"),
            _c("path", "smb2.tree | smb.path", "text"),
            _c("write_bytes", "smb2.write_length", "int"),
            _c("session", "smb2.sesid", "text"),
            _c("native_os", "smb.native_os", "text"),
            _c("trans_name", "smb.trans_name", "text"),
            _c("trans2", "smb.trans2.cmd", "hex"),
            _c("user", "ntlmssp.auth.username", "text"),
            _c("domain", "ntlmssp.auth.domain", "text"),
            _c("host", "ntlmssp.auth.hostname", "text"),
            _c("browser_host", "browser.server", "text"),
            _c("multiplex", "smb.mid", "ints"),
        ),
    ),
    Family(
        "dcerpc",
        (
            _c("interface", "dcerpc.cn_bind_to_uuid", "text"),
            _c("opnum", "dcerpc.opnum", "int"),
            _c("kind", "dcerpc.pkt_type", "int"),
            _c("service", "svcctl.servicename", "text"),
        ),
    ),
    Family(
        "kerberos",
        (
            _c("kind", "kerberos.msg_type", "int"),
            _c("error", "kerberos.error_code", "int"),
            _c("client", "kerberos.CNameString", "text"),
            _c("service", "kerberos.SNameString", "text"),
            _c("realm", "kerberos.realm", "text"),
            _c("ldap_name", "ldap.name", "text"),
            _c("etypes", "kerberos.etype", "ints"),
            _c("padata", "kerberos.padata_type", "ints"),
            _c("ldap_simple", "ldap.simple", "texts"),
        ),
    ),
    Family(
        "ftp",
        (
            _c("command", "ftp.request.command", "text"),
            _c("argument", "ftp.request.arg", "text"),
            _c("code", "ftp.response.code", "int"),
            _c("text", "ftp.response.arg", "text"),
            _c("data_command", "ftp-data.command", "text"),
            _c("data_setup_frame", "ftp-data.setup-frame", "int"),
        ),
    ),
    Family(
        "mail",
        (
            _c("smtp_command", "smtp.req.command", "text"),
            _c("smtp_parameter", "smtp.req.parameter", "text"),
            _c("smtp_code", "smtp.response.code", "int"),
            _c("smtp_text", "smtp.rsp.parameter", "text"),
            _c("smtp_user", "smtp.auth.username", "text"),
            _c("smtp_user_password", "smtp.auth.username_password", "text"),
            _c("smtp_password", "smtp.auth.password", "text"),
            _c("pop_command", "pop.request.command", "text"),
            _c("pop_parameter", "pop.request.parameter", "text"),
            _c("pop_status", "pop.response.indicator", "text"),
            _c("imap_command", "imap.request.command", "text"),
            _c("imap_line", "imap.request", "text"),
            _c("imap_user", "imap.request.username", "text"),
            _c("imap_status", "imap.response.status", "text"),
        ),
    ),
    Family("telnet", (_c("data", "telnet.data", "texts"),)),
    Family("ssh", (_c("software", "ssh.protocol", "text"), _c("message", "ssh.message_code", "int"))),
    Family(
        "dhcp",
        (
            _c("kind", "dhcp.option.dhcp | dhcpv6.msgtype", "int"),
            _c("hostname", "dhcp.option.hostname", "text"),
            _c("client_mac", "dhcp.hw.mac_addr", "text"),
            _c("offered", "dhcp.ip.your", "text"),
            _c("server", "dhcp.option.dhcp_server_id", "text"),
            _c("router", "dhcp.option.router", "text"),
            _c("id", "dhcp.id", "hex"),
            _c("vendor_class", "dhcp.option.vendor_class_id", "text"),
        ),
    ),
    Family(
        "wlan",
        (
            _c("subtype", "wlan.fc.type_subtype", "hex"),
            _c("bssid", "wlan.bssid", "text"),
            _c("ssid", "wlan.ssid", "text"),
            _c("status", "wlan.fixed.status_code", "hex"),
            _c("reason", "wlan.fixed.reason_code", "hex"),
            _c("protected", "wlan.fc.protected", "bool"),
            _c("retry", "wlan.fc.retry", "bool"),
            _c("eap", "eap.code", "int"),
        ),
    ),
    Family(
        "misc",
        (
            _c("tftp_opcode", "tftp.opcode", "int"),
            _c("tftp_file", "tftp.source_file | tftp.destination_file", "text"),
            _c("ntp_mode", "ntp.flags.mode", "int"),
            _c("modbus_function", "modbus.func_code", "int"),
            _c("snmp_community", "snmp.community", "text"),
            _c("rdp_cookie", "rdp.rt_cookie", "text"),
            _c("sip_method", "sip.Method", "text"),
            _c("sip_status", "sip.Status-Code", "int"),
            _c("irc_command", "irc.request.command", "text"),
            _c("irc_text", "irc.request.trailer", "text"),
            _c("mysql_user", "mysql.user", "text"),
            _c("radius_user", "radius.User_Name", "text"),
            _c("login_user", "mqtt.username | pap.peer_id", "text"),
            _c("login_secret", "mqtt.passwd | pap.password | pgsql.password", "text"),
        ),
    ),
    Family(
        "rtp",
        (
            _c("source", "rtp.ssrc", "hex"),
            _c("sequence", "rtp.seq", "int"),
            _c("timestamp", "rtp.timestamp", "int"),
            _c("kind", "rtp.p_type", "int"),
        ),
    ),
    # Read only by the full layout, which all packets with an IPv6 fragment header need: it costs other packets nothing.
    Family("fragments6", (_c("ident", "ipv6.fraghdr.ident", "hex"),)),
)


@dataclass(frozen=True)
class Group:
    """Families that share a packet. No packet belongs to two groups, so groups share the pass's slots."""

    markers: frozenset[str]
    """Names in `frame.protocols` that make a packet one of this group."""
    families: tuple[str, ...]


def _g(markers: str, *families: str) -> Group:
    return Group(frozenset(markers.split()), families)


GROUPS: tuple[Group, ...] = (
    _g("arp", "arp"),
    _g("icmp icmpv6", "icmp"),
    _g("dns mdns llmnr", "dns"),
    _g("nbns", "nbns"),
    _g("http http2 ssdp", "http"),
    _g("tls quic dtls", "tls", "certificates"),
    _g("smb smb2 dcerpc ntlmssp kerberos spnego ldap cldap browser", "smb", "dcerpc", "kerberos"),
    _g("ftp ftp-data", "ftp"),
    _g("smtp pop imap", "mail"),
    _g("telnet", "telnet"),
    _g("ssh", "ssh"),
    _g("dhcp dhcpv6", "dhcp"),
    _g("tftp ntp modbus mbtcp snmp rdp sip irc mysql radius mqtt pap pgsql", "misc"),
    _g("rtp", "rtp"),
)
"""A packet with markers of two groups (HTTP inside decrypted TLS, DNS quoted by ICMP) is read again by `-T fields`."""

BY_NAME: dict[str, Family] = {family.name: family for family in FAMILIES}
FAMILY_NAMES: tuple[str, ...] = tuple(BY_NAME)


def group_columns(group: Group) -> tuple[tuple[str, Column], ...]:
    """The columns of a group with the family each belongs to: single values first, then lists."""
    every = [(name, column) for name in group.families for column in BY_NAME[name].columns if not column.full_only]
    return (*(c for c in every if not c[1].many), *(c for c in every if c[1].many))


SELDOM: tuple[tuple[frozenset[str], frozenset[int]], ...] = tuple(
    (frozenset(markers.split()), frozenset(ports))
    for markers, ports in (
        ("smb smb2 dcerpc ntlmssp kerberos spnego ldap cldap browser",
         (88, 135, 137, 138, 139, 389, 445, 464, 593, 636, 3268, 3269)),
        ("nbns", (137,)),
        ("smtp pop imap", (25, 110, 143, 465, 587, 993, 995, 2525)),
        ("ftp ftp-data", (20, 21, 990)),
        ("dhcp dhcpv6", (67, 68, 546, 547)),
        ("tftp", (69,)),
        ("ntp", (123,)),
        ("snmp", (161, 162)),
        ("modbus mbtcp", (502,)),
        ("mysql", (3306,)),
        ("pgsql", (5432,)),
        ("mqtt", (1883,)),
        ("rdp", (3389,)),
        ("sip rtp", (5060, 5061)),
        ("radius", (1645, 1646, 1812, 1813)),
        ("irc", (194, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697, 7000)),
    )
)  # fmt: skip
"""Markers that are asked for only where data crosses one of these ports (IANA service names and ports, 2024, and ports
in common use): a field that no packet has costs tshark 30 ns a packet. Where such a protocol runs on another port its
packets are read once more, so that nothing is missed."""

EVERY_MARKER: frozenset[str] = frozenset().union(*(group.markers for group in GROUPS))
_OF_PREFIX = {"x509ce": "tls", "urlencoded-form": "http", "svcctl": "dcerpc"}
"""Whose fields those of another name are."""


def asked_for(ports: frozenset[int]) -> frozenset[str]:
    """The markers whose fields a pass asks for, where data crosses these ports."""
    left_out = frozenset().union(*(markers for markers, usual in SELDOM if not usual & ports))
    return EVERY_MARKER - left_out


@cache
def slots(asked: frozenset[str] = EVERY_MARKER) -> tuple[tuple[tuple[str, ...], bool], ...]:
    """The fields of each shared slot, and whether it takes every occurrence.

    A slot has no field where it serves none of the markers that are asked for.
    """
    made: list[tuple[tuple[str, ...], bool]] = []
    for many in (False, True):
        rows = [[c for _, c in group_columns(g) if c.many is many] for g in GROUPS]
        for place in range(max(map(len, rows))):
            fields = [f for row in rows if place < len(row) for f in row[place].fields]
            made.append((tuple(f for f in fields if marker_of(f) in asked), many))
    return tuple(made)


def marker_of(name: str) -> str:
    """The marker of packets that have this field: mostly what stands before the first dot."""
    prefix = name.split(".", 1)[0]
    return _OF_PREFIX.get(prefix, prefix)


def all_fields() -> frozenset[str]:
    """Every tshark field that is read."""
    packed = {field for _, fields in PACKS for field in fields}
    single = {f for c in (*LAYERED, *EXPERT) for f in c.fields}
    return frozenset(packed | single | {f for family in FAMILIES for c in family.columns for f in c.fields})
