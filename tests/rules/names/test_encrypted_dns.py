"""DNS012: handshakes with port 853 or a known resolver's name."""

from __future__ import annotations

from typing import Any

from tests.builders import drafts, family, tables
from tshark_report.rules.names.encrypted_dns import encrypted_dns


def tls(**columns: Any) -> Any:
    base = {
        "handshake": [1],
        "src": "10.0.0.5",
        "dst": "203.0.113.9",
        "dst_port": 443,
        "server_name": "www.example.com",
    }
    return tables(tls=family("tls", base | columns))


def test_fires_on_port_and_on_name() -> None:
    assert "853" in drafts(encrypted_dns, tls(dst_port=853))[0].display_filter
    found = drafts(encrypted_dns, tls(server_name="Cloudflare-DNS.com"))
    assert found[0].priority == "info"
    assert 'lower(tls.handshake.extensions_server_name) == "cloudflare-dns.com"' in found[0].display_filter


def test_quiet_on_other_names_and_records() -> None:
    assert not drafts(encrypted_dns, tls())
    assert not drafts(encrypted_dns, tls(dst_port=853, handshake=[2]))
    assert not drafts(encrypted_dns, tls(server_name=None))
