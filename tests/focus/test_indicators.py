"""Texts as indicators: what kind they are, and how they are compared."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tshark_report.focus import indicators
from tshark_report.focus.indicators import KINDS, guess, in_text, normal, parts_of_endpoint, parts_of_url, typed


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("203[.]0[.]113[.]9", "address", "203.0.113.9"),
        ("2001:DB8:0:0::1", "address", "2001:db8::1"),
        ("::ffff:203.0.113.9", "address", "203.0.113.9"),
        ("10.1.2.3/24", "network", "10.1.2.0/24"),
        ("203.0.113.9:443", "endpoint", "203.0.113.9:443"),
        ("[2001:db8::1]:443", "endpoint", "[2001:db8::1]:443"),
        ("shop.example.com:8443", "endpoint", "shop.example.com:8443"),
        ("4041", "port", "4041"),
        ("TCP/4041", "port", "tcp/4041"),
        ("Shop.Example.", "name", "shop.example"),
        ("*.shop.example", "name", "shop.example"),
        ("HTTP://Shop.example:80/A?b#c", "url", "http://shop.example/A?b"),
        ("shop.example/a", "url", "shop.example/a"),
        ("A" * 64, "sha256", "a" * 64),
        ("B" * 40, "sha1", "b" * 40),
        ("C" * 32, "md5", "c" * 32),
        ("t13d1516h2_8daaf6152771_b186095e22b6", "ja4", "t13d1516h2_8daaf6152771_b186095e22b6"),
        ("00-1B-44-11-3A-B7", "mac", "00:1b:44:11:3a:b7"),
        ("001b.4411.3ab7", "mac", "00:1b:44:11:3a:b7"),
        ("Anna@Shop.example", "email", "anna@shop.example"),
        ("Mozilla/5.0 (Windows NT 10.0)", "user-agent", "Mozilla/5.0 (Windows NT 10.0)"),
        ("curl/7.68.0", "user-agent", "curl/7.68.0"),
        ("setup.exe", "file", "setup.exe"),
        ("CORP\\anna", "user", "CORP\\anna"),
        ("C:\\Temp\\a.exe", "file", "C:\\Temp\\a.exe"),
        ("user:anna", "user", "anna"),
        ("name: printer7", "name", "printer7"),
        ("port:53", "port", "53"),
        ("ja3: " + "d" * 32, "ja3", "d" * 32),
        ("cert:Acme Co", "certificate", "acme co"),
    ],
)
def test_kinds(text: str, kind: str, value: str) -> None:
    made = indicators.given(text, "here")
    assert made is not None
    assert made.kind == kind
    assert made.value.lower() == value.lower()
    assert made.source == "here"


@pytest.mark.parametrize(
    "text", ["", "   ", "two words", "70000", "x" * 3000, "/etc/passwd", "http://", "port:abc", "10.0.0.0/99"]
)
def test_no_indicator(text: str) -> None:
    made = indicators.given(text, "")
    assert made is None or made.kind == "name"
    if text in ("", "   ", "two words", "70000", "/etc/passwd", "http://"):
        assert made is None


def test_hex_of_32_may_be_a_fingerprint() -> None:
    made = indicators.given("0" * 32, "")
    assert made is not None
    assert made.kinds == ("md5", "ja3", "ja3s")


def test_typed_refuses_what_does_not_fit() -> None:
    assert typed(("address",), "shop.example", "") is None
    assert typed(("address", "network"), "10.0.0.0/8", "") is not None
    assert typed(("sha256",), "ab", "") is None


def test_prose() -> None:
    text = (
        "The PC reached hxxp://evil[.]example/gate.php at 203[.]0[.]113[.]9 (see www.google.com), e.g. from 2.30 on; "
        f"file setup.exe, SHA-256 {'a' * 64}."
    )
    found = {(i.kind, i.value) for i in in_text(text, "")}
    assert {
        ("url", "http://evil.example/gate.php"),
        ("address", "203.0.113.9"),
        ("file", "setup.exe"),
        ("sha256", "a" * 64),
    } <= found
    assert not any(kind in ("port", "user") for kind, _ in found)
    assert "e.g" not in {value for _, value in found}


def test_parts() -> None:
    assert parts_of_endpoint("[2001:db8::1]:443") == ("2001:db8::1", 443)
    assert parts_of_url("http://shop.example:8080/a/b?c") == ("http", "shop.example:8080", "/a/b?c")
    assert parts_of_url("shop.example/") == ("", "shop.example", "/")


@given(st.text(max_size=300))
@example(".")
def test_any_text_is_judged(text: str) -> None:
    made = indicators.given(text, "")
    if made is not None:
        assert set(made.kinds) <= set(KINDS)
        assert made.value
    list(in_text(text, ""))
    for kind in KINDS:
        once = normal(kind, text)
        assert once is None or normal(kind, once) is not None
    guess(text)
