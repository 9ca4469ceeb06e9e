"""DNS016: reverse look-ups of one network; quiet on scattered ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, tell
from tshark_report.rules.names.reverse_sweeps import reverse_sweeps


def dns(names: list[str], kind: int = 12) -> Any:
    return tables(dns=family("dns", *[q(name, kind) for name in names]))


def network(number: int) -> list[str]:
    return [f"{n}.1.168.192.in-addr.arpa" for n in range(number)]


def test_low_at_forty_and_medium_at_half() -> None:
    found = drafts(reverse_sweeps, dns(network(40)))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.5 192.168.1.0/24", "low")]
    assert not drafts(reverse_sweeps, dns(network(39)))
    assert drafts(reverse_sweeps, dns(network(128)))[0].priority == "medium"
    assert drafts(reverse_sweeps, dns(network(127)))[0].priority == "low"


def test_quiet_on_scattered_addresses_and_repeats() -> None:
    assert not drafts(reverse_sweeps, dns([f"7.{n}.{n}.198.in-addr.arpa" for n in range(200)]))
    assert not drafts(reverse_sweeps, dns([*network(5)] * 40))
    assert not drafts(reverse_sweeps, dns([f"{n}.zone.example" for n in range(200)]))


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n, name in enumerate(network(41)):
        frames += [ask(n, n, name, 12), tell(n + 0.1, n, name, kind=12, rcode=3)]
    frames += [ask(60, 90, "1.168.192.in-addr.arpa", 12), ask(61, 91, "lb._dns-sd._udp.0.1.168.192.in-addr.arpa", 12)]
    frames += [ask(62, 92, "7.2.168.192.in-addr.arpa", 12), ask(63, 93, "7.1.168.192.in-addr.arpa", 6)]
    path = wire.write(tmp_path / "sweep.pcap", frames)
    found = drafts(reverse_sweeps, loaded(path).tables)
    assert len(found[0].frames) == 41
    assert wire.exact(path, found[0])
