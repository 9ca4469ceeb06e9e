"""Filters and commands for what grew: they compile in tshark, and text from the wire stays a value."""

from __future__ import annotations

import shlex

import polars as pl
import pytest

from tests.conftest import fixture_capture
from tshark_report.capture import process
from tshark_report.capture.tshark import Tshark
from tshark_report.trends.filters import command, display_filter

ROWS = pl.DataFrame(
    {"protocols": ["eth:ethertype:ip:tcp:telnet", "eth:ethertype:ip:tcp:telnet", "eth:ethertype:ip:tcp"]}
)
NONE = pl.DataFrame(schema={"protocols": pl.String})

CASES = [
    ("port", "tcp/5358", "tcp.port == 5358"),
    ("port", "udp/53", "udp.port == 53"),
    ("client", "10.0.0.1", "ip.addr == 10.0.0.1"),
    ("server", "2001:db8::1", "ipv6.addr == 2001:db8::1"),
    ("server", "not an address", ""),
    ("protocol", "TELNET", "telnet"),
    (
        "name",
        'a" || frame || "',
        r'lower(dns.qry.name) == "a\" || frame || \"" || lower(tls.handshake.extensions_server_name) == '
        r'"a\" || frame || \"" || lower(http.host) == "a\" || frame || \""',
    ),
]


@pytest.mark.parametrize(("kind", "key", "wanted"), CASES)
def test_filter(kind: str, key: str, wanted: str) -> None:
    assert display_filter(kind, key, ROWS) == wanted  # type: ignore[arg-type]


def test_no_filter_for_a_protocol_without_a_layer() -> None:
    assert display_filter("protocol", "X", NONE) == ""
    assert display_filter("protocol", "X", pl.DataFrame({"protocols": ["eth:<script>"]})) == ""


@pytest.mark.parametrize(("kind", "key", "wanted"), [case for case in CASES if case[2]])
def test_tshark_takes_it(kind: str, key: str, wanted: str, tshark: Tshark, env: dict[str, str]) -> None:
    args = [tshark.path, "-n", "-r", str(fixture_capture("unanswered")), "-Y", wanted]
    assert process.run(args, timeout=60, env=env).code == 0


def test_a_command_survives_the_shell() -> None:
    name, shown = "it's -rf $(x).pcap", 'dns.qry.name == "a b"'
    assert shlex.split(command(name, shown, "tcp/5358")) == [
        "tshark-report", "carve", name, "--filter", shown, "-o", "tcp-5358.pcapng",
    ]  # fmt: skip
    assert shlex.split(command("-v.pcap", shown, "../../x"))[2] == "./-v.pcap"
    assert "/" not in shlex.split(command("a.pcap", shown, "../../etc/x"))[-1]
