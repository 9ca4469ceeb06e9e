"""LOG006: fires at ten refusals or five names; quiet below and on the ordinary first answer (25)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts
from tests.rules.access import wire
from tshark_report.rules.access.refused_kerberos_logins import refused_kerberos_logins

KDC = "10.0.0.10"


def asked(number: int, *, names: int = 1, code: int = 24, gap: float = 1.0) -> list[wire.Frame]:
    made = []
    for i in range(number):
        ports = 50000 + i
        made.append(
            (i * gap, wire.udp(wire.CLIENT, KDC, ports, 88, wire.as_req(f"user{i % names}", "OFFICE.EXAMPLE", 5 + i)))
        )
        made.append((i * gap + 0.1, wire.udp(KDC, wire.CLIENT, 88, ports, wire.krb_error(code, "OFFICE.EXAMPLE"))))
    return made


def found(loaded: Any, path: Path, frames: list[wire.Frame]) -> Any:
    made = drafts(refused_kerberos_logins, loaded(wire.write(path, frames)).tables)
    assert all(wire.exact(path, draft) for draft in made)
    return made


def test_fires_at_ten_for_one_name_and_quiet_at_nine(loaded: Any, tmp_path: Path) -> None:
    made = found(loaded, tmp_path / "ten.pcap", [*asked(10), *asked(4, code=25)])
    assert [(d.priority, d.confidence, d.hosts) for d in made] == [("high", "medium", (wire.CLIENT, KDC))]
    assert "user0" in made[0].summary
    assert not found(loaded, tmp_path / "nine.pcap", asked(9))


def test_fires_at_five_names_and_quiet_at_four(loaded: Any, tmp_path: Path) -> None:
    made = found(loaded, tmp_path / "five.pcap", asked(5, names=5))
    assert "password spraying" in made[0].summary
    assert made[0].confidence == "high"
    assert not found(loaded, tmp_path / "four.pcap", asked(4, names=4))


def test_trying_out_names_is_told_as_such(loaded: Any, tmp_path: Path) -> None:
    made = found(loaded, tmp_path / "names.pcap", asked(12, names=12, code=6))
    assert made[0].summary.startswith("Names were tried out")


def test_quiet_on_ordinary_logins_and_on_a_days_mistakes(loaded: Any, tmp_path: Path) -> None:
    assert not found(loaded, tmp_path / "ordinary.pcap", asked(30, names=30, code=25))
    assert not found(loaded, tmp_path / "day.pcap", asked(6, names=6, gap=3600.0))
