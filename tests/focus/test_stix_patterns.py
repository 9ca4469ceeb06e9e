"""STIX patterns: the plain form by itself, all others by the library's grammar."""

from __future__ import annotations

import sys

import pytest

from tshark_report.focus import stix_patterns
from tshark_report.focus.stix_patterns import Patterns, kinds_of


@pytest.mark.parametrize(
    ("pattern", "compared"),
    [
        ("[ipv4-addr:value = '203.0.113.9']", [("ipv4-addr:value", "203.0.113.9")]),
        ("[file:name = 'it\\'s.exe']", [("file:name", "it's.exe")]),
        ("[ipv4-addr:value = '1.2.3.4' OR domain-name:value = 'a.example']",
         [("ipv4-addr:value", "1.2.3.4"), ("domain-name:value", "a.example")]),
        ("[network-traffic:dst_port = 443] FOLLOWEDBY [url:value = 'http://a.example/'] WITHIN 5 SECONDS",
         [("network-traffic:dst_port", "443"), ("url:value", "http://a.example/")]),
        ("[domain-name:value IN ('a.example','b.example')]",
         [("domain-name:value", "a.example"), ("domain-name:value", "b.example")]),
        ("[ipv4-addr:value ISSUBSET '203.0.113.0/24']", [("ipv4-addr:value", "203.0.113.0/24")]),
        ("[ipv4-addr:value != '203.0.113.9']", []),
        ("[domain-name:value LIKE '%.example']", []),
        ("[NOT domain-name:value = 'a.example']", []),
    ],
)  # fmt: skip
def test_compared(pattern: str, compared: list[tuple[str, str]]) -> None:
    read = Patterns()
    assert list(read.compared(pattern)) == compared


def test_what_is_no_pattern_is_counted() -> None:
    read = Patterns()
    for text in ("", "garbage", "[" * 50, "[a:b = "):
        assert list(read.compared(text)) == []
    assert read.unread == 4


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stix_patterns, "SECONDS_FOR_GRAMMAR", -1.0)
    read = Patterns()
    assert list(read.compared("[a:b = 'c' OR d:e = 'f']")) == []
    assert read.unread == 1


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stix2.pattern_visitor", None)
    read = Patterns()
    assert list(read.compared("[a:b = 'c' OR d:e = 'f']")) == []
    assert list(read.compared("[url:value = 'x']")) == [("url:value", "x")]
    assert read.without_library == 1


def test_kinds() -> None:
    assert kinds_of("file:hashes.'SHA-256'") == ("sha256",)
    assert kinds_of("x509-certificate:hashes.'SHA-1'") == ("certificate",)
    path = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"
    assert kinds_of(path) == ("user-agent",)
    assert kinds_of("windows-registry-key:key") == ()
