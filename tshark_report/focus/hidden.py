"""Why an indicator may be missing from the packets although the traffic was there."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tshark_report.focus.indicators import Indicator, Kind
from tshark_report.report.model import FocusHidden
from tshark_report.story.words import count, duration, verb
from tshark_report.tables.tables import Tables

TUNNELS = "esp|wg|openvpn|isakmp"
"""Layers in `frame.protocols` that carry packets which nobody can read without keys. GRE, L2TP and the like are not
among them: what they carry in clear is dissected, and its addresses are looked at as all others are."""
_NAMES: frozenset[str] = frozenset(("name", "url", "email"))
_CONTENT: frozenset[str] = frozenset(("sha256", "sha1", "md5", "file", "user-agent", "url", "user", "email"))


def hidden(
    missing: Sequence[Indicator], tables: Tables, *, filtered: bool, cut: bool, not_evaluated: dict[Kind, str]
) -> list[FocusHidden]:
    """For each kind of indicator that is missing, what in this capture could have hidden it.

    `filtered`: the report was limited to some packets; `cut`: packets or the file are not whole.
    """
    kinds: dict[str, int] = {}
    for each in missing:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    facts = _Facts(tables)
    made = []
    for kind, number in kinds.items():
        if kind in not_evaluated:
            made.append(FocusHidden(kind=kind, count=number, reasons=[not_evaluated[kind]]))
            continue
        reasons = []
        reasons += facts.reasons(kind)
        if filtered:
            reasons.append("this report was limited to some of the packets by a filter or a time")
        if cut and kind not in ("address", "network", "endpoint", "port", "mac"):
            reasons.append("packets were cut short, so what stood further in is not in them")
        reasons.append(f"the capture lasts {duration(tables.seconds)}: what came before and after is not in it")
        made.append(FocusHidden(kind=kind, count=number, reasons=reasons))
    return made


class _Facts:
    """What this capture does not show, worked out once."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        hello = tables.tls.filter(pl.col("handshake").list.contains(1).fill_null(value=False))
        self.hellos = hello.height
        self.nameless = hello.filter(pl.col("server_name").is_null() | (pl.col("server_name") == "")).height
        self.streams = tables.tls.select("transport", "stream").unique().height
        self.dns = tables.dns.filter(~pl.col("protocol").is_in(["MDNS", "LLMNR"])).height
        some = tables.packets.filter(pl.col("transport").is_in(["tcp", "udp"]))
        self.resolvers = some.filter(pl.col("dst_port") == 853)["dst"].drop_nulls().n_unique()
        protocols = tables.packets["protocols"].drop_nulls().unique()
        self.tunnelled = protocols.filter(protocols.str.contains(rf"(^|:)(?:{TUNNELS})(:|$)")).len() > 0
        self.quic = protocols.filter(protocols.str.contains(r"(^|:)quic(:|$)")).len() > 0
        sessions = tables.tcp_sessions
        self.middle = sessions.filter(
            (pl.col("syns") == 0) & (pl.col("syn_acks") == 0) & (pl.col("packets") > 1)
        ).height
        self.proxied = tables.http.filter(pl.col("method") == "CONNECT").height
        self.clear = tables.http.filter(pl.col("method").is_not_null()).height

    def reasons(self, kind: str) -> list[str]:
        """Sentences without their full stop."""
        made: list[str] = []
        if kind in _NAMES:
            if not self.dns:
                made.append(
                    "there is no DNS in this capture: a name that was resolved before, or elsewhere, does not show"
                )
            if self.resolvers:
                made.append("DNS over TLS (port 853) is in the capture: names asked for there cannot be read")
            if self.nameless:
                made.append(
                    f"{self.nameless:,} of {count(self.hellos, 'TLS client hello')} carry no server name in clear"
                )
            if self.streams and not self.hellos:
                made.append("TLS sessions began before the capture: their server names are not in it")
            if self.streams:
                made.append("names looked up by DNS over HTTPS, or sent in an encrypted client hello, cannot be read")
        if kind in _CONTENT and self.streams:
            by = "TLS or QUIC" if self.quic else "TLS"
            made.append(
                f"{count(self.streams, 'conversation')} {verb(self.streams, 'is', 'are')} encrypted by {by}: "
                "their requests, files and users cannot be read without the keys (--keylog)"
            )
        if kind == "user-agent" and not self.clear:
            made.append("there is no HTTP request in clear")
        if kind in ("sha256", "sha1", "md5"):
            made.append(
                f"{count(self.tables.files.height, 'file')} could be put together from the packets and compared"
            )
        if kind in ("address", "network", "endpoint", "port"):
            made.append("taken behind address translation or a proxy, the capture shows that device's address instead")
            if self.proxied:
                made.append(
                    f"{count(self.proxied, 'request')} went through a proxy (CONNECT), which hides the server's address"
                )
            if self.tunnelled:
                made.append("there are encrypted tunnels: the addresses inside them cannot be read")
        if kind == "mac":
            made.append("hardware addresses are seen on their own link only: beyond a router they are that router's")
        if kind in ("ja3", "ja3s", "ja4") and not self.hellos:
            made.append("there is no TLS client hello in this capture")
        if kind == "certificate":
            made.append("since TLS 1.3 certificates are encrypted: only older handshakes show theirs")
        if kind == "user":
            made.append("users show only where a login is in clear, or in Windows and Kerberos logins")
        if kind not in ("address", "network", "endpoint", "port", "mac") and self.middle:
            made.append(
                f"{count(self.middle, 'TCP connection')} began before the capture: how they were opened is not in it"
            )
        return made
