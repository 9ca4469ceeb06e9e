"""The expectation file: what is understood, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tshark_report.expect.model import ExpectationUnreadable, fits, load


def read(tmp_path: Path, text: str):  # noqa: ANN201
    path = tmp_path / "e.toml"
    path.write_text(text)
    return load(path)


def test_hosts_and_groups(tmp_path: Path) -> None:
    made = read(tmp_path, """
        version = 1
        only_these = false
        [[host]]
        address = "10.0.0.80"
        role = "file server"
        offers = ["tcp/445"]
        [[host]]
        address = "10.0.0.0/24"
        uses = "tcp/*"
    """)  # fmt: skip
    server, group = made.hosts
    assert not made.only_these
    assert server.alone
    assert server.must_be_seen
    assert server.uses is None
    assert not group.alone
    assert not group.must_be_seen  # a group need not be there
    assert group.uses == ("tcp/*",)
    assert group.covers("10.0.0.7")
    assert not group.covers("10.0.1.7")
    assert not group.covers("fe80::1")
    assert not group.covers("not an address")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2", "version 2"),
        ("hosts = 1", "unknown: hosts"),
        ("host = 3", "[[host]]"),
        ("[[host]]\nrole = 'x'", "no address"),
        ("[[host]]\naddress = '10.0.0.0/99'", "no address or network"),
        ("[[host]]\naddress = '10.0.0.1'\noffer = []", "unknown key: offer"),
        ("[[host]]\naddress = '10.0.0.1'\noffers = [80]", "list of texts"),
        ("[[host]]\naddress = '10.0.0.1'\nrole = 5", "role must be text"),
        ("[[host]]\naddress = '10.0.0.1'\nmust_be_seen = 'no'", "true or false"),
        ("only_these = 'yes'", "true or false"),
        ("[[host]]\naddress = '10.0.0.1'\n[[host]]\naddress = '10.0.0.1'", "two entries"),
        ("not toml at all", ""),
        ("[" * 5000, ""),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ExpectationUnreadable) as error:
        read(tmp_path, text)
    assert words in error.value.detail
    assert "expect init" in error.value.next_step


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ExpectationUnreadable):
        load(tmp_path / "missing.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExpectationUnreadable):
        load(tmp_path / "b.toml")


@pytest.mark.parametrize(
    ("value", "patterns", "expected"),
    [("tcp/443", ("tcp/443",), True), ("tcp/4433", ("tcp/443",), False), ("tcp/443", ("tcp/*",), True),
     ("a.Example", ("*.example",), True), ("x", ("*",), True), ("x", (), False)],
)  # fmt: skip
def test_patterns(value: str, patterns: tuple[str, ...], expected: bool) -> None:
    assert fits(value, patterns) is expected
