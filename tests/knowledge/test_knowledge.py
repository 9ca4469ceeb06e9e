"""The data files: each tells its source and date, and holds what the rules expect."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tshark_report.knowledge import load


def sections(data: dict[str, Any]) -> list[dict[str, Any]]:
    listed = [value if isinstance(value, list) else [value] for value in data.values()]
    return [entry for entries in listed for entry in entries if isinstance(entry, dict)]


def test_a_file_is_read_once() -> None:
    assert load("services") is load("services")


@pytest.mark.parametrize("name", ["services", "polling", "dynamic_dns"])
def test_every_section_has_source_and_date(name: str) -> None:
    for section in sections(load(name)):
        assert section["source"]
        assert isinstance(section["date"], date)


REGISTRIES = (Path("/usr/share/wireshark/services"), Path("/etc/services"))
"""Copies of IANA's registry that come with Wireshark up to 4.0 and with most systems."""


def test_registered_ports_have_their_registered_names() -> None:
    names: dict[tuple[int, str], set[str]] = {}
    for registry in REGISTRIES:
        lines = registry.read_text("utf-8", "replace").splitlines() if registry.exists() else []
        for line in lines:
            name, place, *others = (line.split("#")[0].split() + ["", ""])[:8]
            number, *transports = place.split("/")
            low, _, high = number.partition("-")
            if low.isdigit():
                for port in range(int(low), int(high or low) + 1):
                    for transport in transports:
                        names.setdefault((port, transport), set()).update({name, *others})
    if len(names) < 5000:
        pytest.skip("no copy of IANA's registry is on this system")
    registered = [(e, t) for e in load("ports")["port"] if "iana" in e["source"] for t in e["transport"]]
    assert len(registered) > 60
    wrong = [
        (e["number"], t, e["service"]) for e, t in registered if e["service"] not in names.get((e["number"], t), ())
    ]
    assert not wrong


@pytest.mark.parametrize("kind", ["tls", "http", "polled", "industrial"])
def test_ports_are_ports_and_stand_once(kind: str) -> None:
    ports = load("services")[kind]["ports"]
    assert all(0 < port < 65536 for port in ports)
    assert len(ports) == len(set(ports))


def test_industrial_ports_are_not_polled_ports() -> None:
    services = load("services")
    assert not set(services["polled"]["ports"]) & set(services["industrial"]["ports"])


def test_names_are_lower_case_and_stand_once() -> None:
    dynamic = load("dynamic_dns")
    listed = [*dynamic["providers"]["suffixes"], *dynamic["tunnels"]["suffixes"], *dynamic["cameras"]["suffixes"]]
    assert len(listed) == len(set(listed))
    assert all(name == name.lower().strip(".") and "." in name for name in listed)
    polled = [n for names in load("polling")["names"].values() if isinstance(names, list) for n in names]
    assert len(polled) == len(set(polled))
    assert not set(polled) & set(listed)
