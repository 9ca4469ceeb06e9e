"""Defanged text made plain again, in the ways that people break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tshark_report.focus.refang import is_defanged, refang
from tshark_report.story.indicators import defang


@pytest.mark.parametrize(
    ("broken", "plain"),
    [
        ("203[.]0[.]113[.]9", "203.0.113.9"),
        ("hxxp://shop[.]example/x", "http://shop.example/x"),
        ("hXXps[:]//a(dot)b(.)com:8443/p", "https://a.b.com:8443/p"),
        ("h**p://shop{.}example", "http://shop.example"),
        ("hxxps[://]shop[dot]example", "https://shop.example"),
        ("fxp://files[.]example", "ftp://files.example"),
        ("anna[@]shop[.]example", "anna@shop.example"),
        ("anna [at] shop [dot] example", "anna@shop.example"),
        ("shop DOT example", "shop.example"),
        ("shop[.example", "shop.example"),
        ("shop\\.example", "shop.example"),
        ("2001[:]db8::1", "2001:db8::1"),
        ("sho\u200bp[.]example", "shop.example"),
    ],
)
def test_ways_to_break_it(broken: str, plain: str) -> None:
    assert is_defanged(broken)
    assert refang(broken) == plain


@pytest.mark.parametrize(
    "plain", ["203.0.113.9", "http://shop.example/a(b)c", "Mozilla/5.0 (Windows NT 10.0)", "a dog sat"]
)
def test_plain_text_stays(plain: str) -> None:
    assert refang(plain) == plain


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    assert refang(refang(text)) == refang(refang(refang(text)))


@given(st.ip_addresses(v=4), st.sampled_from(["/", "/a/b?c=d", ""]))
def test_our_own_defanging_comes_back(address: object, path: str) -> None:
    url = f"http://{address}{path}"
    assert refang(defang("url", url)) == url
