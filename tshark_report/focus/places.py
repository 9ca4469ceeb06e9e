"""Where in the packets each kind of indicator can stand: one table of frame and value for each place.

The values are as focus.indicators.normal makes them (lower case where case does not matter), so that a list of any
length is looked up by one join a place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from tshark_report.focus.indicators import Kind
from tshark_report.rules import filters
from tshark_report.tables.tables import Tables


@dataclass(frozen=True)
class Place:
    """One place in the packets: its name in words, the table (frame, value), and the fields to filter by."""

    kind: Kind
    words: str
    table: pl.DataFrame
    fields: tuple[str, ...] = ()
    """tshark fields that hold the value as it stands; empty where no single field does."""


def _values(frame: pl.DataFrame, column: str, expression: pl.Expr | None = None) -> pl.DataFrame:
    value = pl.col(column) if expression is None else expression
    made = frame.filter(pl.col(column).is_not_null()).select("frame", value.alias("value"))
    return made.filter(pl.col("value").is_not_null() & (pl.col("value") != ""))


def _exploded(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    some = frame.filter(pl.col(column).list.len() > 0)
    return some.select("frame", pl.col(column).alias("value")).explode("value").drop_nulls()


def _lower(column: str) -> pl.Expr:
    return pl.col(column).str.to_lowercase().str.strip_chars_end(".")


def places(tables: Tables, wanted: frozenset[Kind]) -> Iterator[Place]:
    """The places where indicators of the wanted kinds can stand; none is made that nobody looks in."""
    for kinds, make in _MAKERS:
        if wanted & kinds:
            yield from (place for place in make(tables) if place.kind in wanted)


def _addresses(tables: Tables) -> Iterator[Place]:
    packets = tables.packets
    both = pl.concat([_values(packets, "src"), _values(packets, "dst")])
    yield Place("address", "packets", both, ("addr",))
    for column, field in (("a", "dns.a"), ("aaaa", "dns.aaaa")):
        yield Place("address", "DNS answers", _exploded(tables.dns, column), (field,))
    arp = pl.concat([_values(tables.arp, "sender"), _values(tables.arp, "target")])
    yield Place("address", "ARP", arp, ("arp.src.proto_ipv4", "arp.dst.proto_ipv4"))
    layers = pl.concat([_values(tables.layers, "src"), _values(tables.layers, "dst")])
    yield Place("address", "tunnelled packets", layers, ("addr",))


def _ports(tables: Tables) -> Iterator[Place]:
    some = tables.packets.filter(pl.col("transport").is_in(["tcp", "udp"]))
    for column in ("src_port", "dst_port"):
        number = pl.col(column).cast(pl.String)
        yield Place("port", "packets", _values(some, column, number))
        yield Place("port", "packets", _values(some, column, pl.concat_str("transport", pl.lit("/"), number)))


def _macs(tables: Tables) -> Iterator[Place]:
    packets = tables.packets
    both = pl.concat([_values(packets, column, _lower(column)) for column in ("eth_src", "eth_dst")])
    protocols = packets["protocols"].unique().drop_nulls()
    others = {"wlan": "wlan.addr", "sll": "sll.src.eth"}
    fields = [field for name, field in others.items() if protocols.str.contains(rf"(^|:){name}(:|$)").any()]
    yield Place("mac", "link-layer addresses", both, ("eth.addr", *fields))
    arp = pl.concat([_values(tables.arp, column, _lower(column)) for column in ("src_mac", "dst_mac")])
    yield Place("mac", "ARP", arp, ("arp.src.hw_mac", "arp.dst.hw_mac"))
    yield Place("mac", "DHCP", _values(tables.dhcp, "client_mac", _lower("client_mac")), ("dhcp.hw.mac_addr",))


def _names(tables: Tables) -> Iterator[Place]:
    dns = tables.dns
    asked, answered = dns.filter(~pl.col("response").fill_null(value=False)), dns.filter(pl.col("response"))
    yield Place("name", "DNS questions", _values(asked, "name", _lower("name")), ("dns.qry.name",))
    yield Place("name", "DNS answers", _values(answered, "name", _lower("name")), ("dns.qry.name",))
    yield Place("name", "DNS aliases", _values(dns, "cname", _lower("cname")), ("dns.cname",))
    host = _lower("host").str.replace(r":\d+$", "")
    second = tables.packets["protocols"].unique().drop_nulls().str.contains(r"(^|:)http2(:|$)").any()
    fields = ("http.host", "http2.headers.authority") if second else ("http.host",)
    yield Place("name", "HTTP hosts", _values(tables.http, "host", host), fields)
    named = _values(tables.tls, "server_name", _lower("server_name"))
    yield Place("name", "TLS server names", named, ("tls.handshake.extensions_server_name",))
    own = _values(tables.certificates, "common_name", _lower("common_name"))
    alternative = _exploded(tables.certificates, "alt_names").with_columns(_lower("value"))
    bare = pl.col("value").str.strip_prefix("*.")
    yield Place("name", "certificates", pl.concat([own, alternative]).with_columns(bare))
    netbios = pl.col("name").str.replace(r"<.*$", "").str.strip_chars().str.to_lowercase()
    yield Place("name", "NetBIOS names", _values(tables.nbns, "name", netbios))
    for frame, column, words, field in (
        (tables.dhcp, "hostname", "DHCP", "dhcp.option.hostname"),
        (tables.smb, "host", "Windows logins", "ntlmssp.auth.hostname"),
        (tables.smb, "browser_host", "Windows browser", "browser.server"),
    ):
        yield Place("name", words, _values(frame, column, _lower(column)), (field,))


def _web(tables: Tables) -> Iterator[Place]:
    http = tables.http.filter(pl.col("uri").is_not_null() & (pl.col("protocol") != "SSDP"))
    path = pl.col("uri").str.replace(r"^[A-Za-z]+://[^/]*", "")
    path = pl.when(path.str.starts_with("/")).then(path).otherwise(pl.concat_str(pl.lit("/"), path))
    inside = pl.col("uri").str.extract(r"^[A-Za-z]+://([^/]*)")
    host = pl.coalesce(inside, "host", "dst").str.to_lowercase().str.replace(r":(?:80|443)$", "")
    yield Place("url", "HTTP requests", _values(http, "uri", pl.concat_str(host, path)))
    for column, words in (("referer", "HTTP referers"), ("location", "HTTP redirects")):
        said = pl.col(column).str.replace(r"^[A-Za-z]+://", "").str.replace(r"#.*$", "")
        lowered = said.str.extract(r"^([^/]*)").str.to_lowercase().str.replace(r":(?:80|443)$", "")
        rest = said.str.extract(r"^[^/]*(/.*)$").fill_null("/")
        some = tables.http.filter(pl.col(column).str.contains("://").fill_null(value=False))
        yield Place("url", words, _values(some, column, pl.concat_str(lowered, rest)))


def _agents(tables: Tables) -> Iterator[Place]:
    agent = pl.col("user_agent").str.to_lowercase()
    yield Place("user-agent", "HTTP requests", _values(tables.http, "user_agent", agent), ("http.user_agent",))


def _fingerprints(tables: Tables) -> Iterator[Place]:
    for kind, column in (("ja3", "ja3"), ("ja3s", "ja3s"), ("ja4", "ja4")):
        words = "TLS server hellos" if kind == "ja3s" else "TLS client hellos"
        yield Place(kind, words, _values(tables.tls, column), (f"tls.handshake.{column}",))  # type: ignore[arg-type]


def _files(tables: Tables) -> Iterator[Place]:
    files = tables.files.filter(pl.col("frame").is_not_null())
    for kind in ("sha256", "sha1", "md5"):
        if kind in files.columns:
            yield Place(kind, "files", _values(files, kind))
    last = r"[^/\\]+$"
    yield Place("file", "files", _values(files, "name", pl.col("name").str.extract(f"({last})").str.to_lowercase()))
    for frame, column, words in (
        (tables.smb, "file", "SMB"),
        (
            tables.ftp.filter(pl.col("command").is_in(["RETR", "STOR", "STOU", "APPE", "DELE", "SIZE"])),
            "argument",
            "FTP",
        ),
        (tables.misc, "tftp_file", "TFTP"),
        (tables.http.filter(pl.col("method").is_not_null()), "uri", "HTTP requests"),
    ):
        bare = pl.col(column).str.replace(r"[?#].*$", "") if column == "uri" else pl.col(column)
        yield Place("file", words, _values(frame, column, bare.str.extract(f"({last})").str.to_lowercase()))


def _users(tables: Tables) -> Iterator[Place]:
    smb = tables.smb.filter(~pl.col("user").is_in(["", "NULL"]))
    yield Place("user", "Windows logins", _values(smb, "user", _lower("user")), ("ntlmssp.auth.username",))
    both = pl.concat_str("domain", pl.lit("\\"), "user").str.to_lowercase()
    yield Place("user", "Windows logins", _values(smb.filter(pl.col("domain").is_not_null()), "user", both))
    kerberos = tables.kerberos
    yield Place("user", "Kerberos", _values(kerberos, "client", _lower("client")), ("kerberos.CNameString",))
    user = pl.col("command").str.to_uppercase() == "USER"
    yield Place("user", "FTP", _values(tables.ftp.filter(user), "argument", _lower("argument")), ("ftp.request.arg",))
    pop = tables.mail.filter(pl.col("pop_command").str.to_uppercase() == "USER")
    yield Place("user", "POP3", _values(pop, "pop_parameter", _lower("pop_parameter")), ("pop.request.parameter",))
    yield Place("user", "SMTP", _values(tables.mail, "smtp_user", _lower("smtp_user")), ("smtp.auth.username",))
    yield Place("user", "IMAP", _values(tables.mail, "imap_user", _lower("imap_user")), ("imap.request.username",))
    basic = pl.col("credentials").str.extract(r"^([^:]*):").str.to_lowercase()
    yield Place("user", "HTTP logins", _values(tables.http, "credentials", basic))
    cookie = pl.col("rdp_cookie").str.extract(r"mstshash=([^\s;]+)").str.to_lowercase()
    yield Place("user", "RDP", _values(tables.misc, "rdp_cookie", cookie))
    for column, words, field in (
        ("mysql_user", "MySQL", "mysql.user"), ("radius_user", "RADIUS", "radius.User_Name"),
        ("login_user", "MQTT or PPP logins", "mqtt.username"),
    ):  # fmt: skip
        yield Place(
            "user", words, _values(tables.misc, column, _lower(column)), (field,) if column != "login_user" else ()
        )


def _mails(tables: Tables) -> Iterator[Place]:
    found = pl.col("smtp_parameter").str.to_lowercase().str.extract_all(r"[^\s<>:;,]+@[^\s<>:;,]+")
    some = tables.mail.filter(pl.col("smtp_parameter").is_not_null()).select("frame", found.alias("value"))
    yield Place("email", "SMTP envelopes", some.explode("value").drop_nulls())
    for place in _users(tables):
        yield Place("email", place.words, place.table, place.fields)


def _certificates(tables: Tables) -> Iterator[Place]:
    made = tables.certificates
    for column in ("serial", "common_name", "subject", "issuer"):
        plain = _lower(column).str.replace_all(r"[\s:]", "") if column == "serial" else _lower(column)
        yield Place("certificate", "certificates", _values(made, column, plain))
    raw = tables.families.get("certificates")
    if raw is None or raw.is_empty():
        return
    rows: list[tuple[int, str]] = []
    for frame, der in raw.filter(pl.col("der").is_not_null()).select("frame", "der").iter_rows():
        try:
            data = bytes.fromhex(der.replace(":", ""))
        except ValueError:
            continue
        rows += [
            (frame, hashlib.sha256(data).hexdigest()),
            (frame, hashlib.sha1(data, usedforsecurity=False).hexdigest()),
        ]
    schema = {"frame": pl.UInt32(), "value": pl.String()}
    yield Place("certificate", "certificates", pl.DataFrame(rows, schema=schema, orient="row"))


_MAKERS = (
    (frozenset({"address"}), _addresses), (frozenset({"port"}), _ports), (frozenset({"mac"}), _macs),
    (frozenset({"name"}), _names), (frozenset({"url"}), _web), (frozenset({"user-agent"}), _agents),
    (frozenset({"ja3", "ja3s", "ja4"}), _fingerprints), (frozenset({"sha256", "sha1", "md5", "file"}), _files),
    (frozenset({"user"}), _users), (frozenset({"email"}), _mails), (frozenset({"certificate"}), _certificates),
)  # fmt: skip


def filter_of(place: Place, value: str, table: pl.DataFrame) -> str:
    """A display filter that selects the packets with this value in this place; `table` holds those that were found."""
    if not (value.isascii() and value.isprintable()) or "\\" in value:
        # What was replaced, escaped or folded on its way here would not match the bytes on the wire.
        return filters.frames(table["frame"].unique().sort().to_list())
    if place.kind == "address":
        if place.fields == ("addr",):
            return filters.host(value)
        return filters.any_of(
            *(filters.at(field, value) for field in place.fields if (":" in value) == ("aaaa" in field))
        )
    if place.kind == "port":
        transport, slash, number = value.partition("/")
        kinds = (transport,) if slash else ("tcp", "udp")
        return filters.any_of(*(filters.port(each, int(number if slash else value)) for each in kinds))
    if place.kind == "mac":
        return filters.any_of(*(filters.at(field, value) for field in place.fields))
    if place.kind == "name" and place.words == "HTTP hosts":
        return filters.any_of(*(filters.under_host(field, value) for field in place.fields))
    if place.kind == "name" and place.fields:
        return filters.any_of(*(filters.under(field, value) for field in place.fields))
    if place.kind in ("ja3", "ja3s", "ja4"):
        return filters.any_of(*(filters.equals(field, value) for field in place.fields))
    if place.fields:
        part = (table["value"] != value.lower()).any()
        select = filters.holds if part else filters.whole
        return filters.any_of(*(select(field, value) for field in place.fields))
    return filters.frames(table["frame"].unique().sort().to_list())
