"""Lists in JSON: STIX, MISP, our own report, plain texts; and what they must not break."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tshark_report.focus.bounded import Unreadable
from tshark_report.focus.read_json import read


def _read(tree: object) -> tuple[set[tuple[str, str]], list[str]]:
    found, notes = read(json.dumps(tree).encode(), "list.json")
    return {(i.kind, i.value) for i in found}, notes


def test_stix() -> None:
    bundle = {
        "type": "bundle",
        "objects": [
            {"type": "indicator", "pattern_type": "stix", "name": "n", "pattern": "[ipv4-addr:value = '203.0.113.9']"},
            {"type": "indicator", "pattern": "[url:value = 'http://a.example/x' OR file:name = 'x.exe']"},
            {"type": "indicator", "pattern": "[url:value = 'http://old.example/']", "revoked": True},
            {"type": "indicator", "pattern_type": "snort", "pattern": "alert tcp"},
            {"type": "indicator", "pattern": "[windows-registry-key:key = 'HKLM']"},
            {"type": "domain-name", "value": "b.example"},
            {"type": "file", "name": "y", "hashes": {"SHA-256": "A" * 64, "SSDEEP": "3:x"}},
            {"type": "malware", "name": "m"},
            "no object",
        ],
    }
    found, notes = _read(bundle)
    assert found == {("address", "203.0.113.9"), ("url", "http://a.example/x"), ("file", "x.exe"), ("name", "b.example"),
                     ("sha256", "a" * 64)}  # fmt: skip
    said = " ".join(notes)
    assert "1 objects are revoked" in said
    assert "another language" in said
    assert "windows-registry-key" in said


def _event(*attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "Event": {
            "info": "x",
            "Attribute": list(attributes),
            "Object": [{"Attribute": [{"type": "md5", "value": "a" * 32}]}],
        }
    }


def test_misp() -> None:
    event = _event(
        {"type": "ip-dst", "value": "203.0.113.9", "comment": "server"},
        {"type": "ip-dst|port", "value": "203.0.113.10|443"},
        {"type": "domain|ip", "value": "a.example|203.0.113.11"},
        {"type": "filename|sha256", "value": f"x.exe|{'b' * 64}"},
        {"type": "mutex", "value": "Global\\x"},
        {"type": "ip-dst", "value": "no address"},
        {"type": "ip-dst", "value": "203.0.113.99", "deleted": True},
        {"type": "url", "value": 7},
    )
    found, notes = _read(event)
    assert ("address", "203.0.113.9") in found
    assert ("endpoint", "203.0.113.10:443") in found
    assert {
        ("name", "a.example"),
        ("address", "203.0.113.11"),
        ("file", "x.exe"),
        ("sha256", "b" * 64),
        ("md5", "a" * 32),
    } <= found
    assert ("address", "203.0.113.99") not in found
    assert any("mutex (1)" in note for note in notes)
    assert any("2 entries" in note for note in notes)
    assert _read({"response": [event]})[0] == found


def test_our_own_report() -> None:
    made = {
        "indicators": [{"type": "ipv4", "value": "203.0.113.9", "note": "x"}, {"type": "sha256", "value": "c" * 64}]
    }
    assert _read(made)[0] == {("address", "203.0.113.9"), ("sha256", "c" * 64)}


def test_a_list_of_texts() -> None:
    assert _read(["203[.]0[.]113[.]9", "two words"])[0] == {("address", "203.0.113.9")}


@pytest.mark.parametrize("data", [b"{", b"[1, 2]", b'{"a": 1}', b'"text"', b"[" * 5000, b"\xff{}"])
def test_json_of_no_known_kind(data: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        read(data, "list.json")
    assert "list.json" in str(caught.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "objects", "value", "pattern", "Event", "Attribute", "Object", "hashes"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json(tree: object) -> None:
    try:
        read(json.dumps(tree).encode(), "x")
    except Unreadable:
        pass
