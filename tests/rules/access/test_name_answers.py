"""LAT007: fires at three names or one bait; quiet on a host's own name, on WINS, and on controllers' group names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.access import wire
from tests.rules.access.rows import back
from tshark_report.rules.access.name_answers import name_answers

RESPONDER = "10.0.0.66"


def llmnr(*names: str) -> Any:
    base = {"src": RESPONDER, "src_port": 5355, "transport": "udp", "protocol": "LLMNR", "response": True, "rcode": 0}
    return tables(dns=family("dns", *[back(name=n, a=[RESPONDER]) | base for n in names]))


def test_fires_at_three_names() -> None:
    found = drafts(name_answers, llmnr("filesrvv", "printr", "intranett"))
    assert [(d.priority, d.subject) for d in found] == [("high", RESPONDER)]


def test_quiet_at_two_and_on_one_name_in_all_its_forms() -> None:
    assert not drafts(name_answers, llmnr("filesrvv", "printr"))
    assert not drafts(name_answers, llmnr("pc-ben", "PC-BEN", "pc-ben.local"))


def test_medium_on_wpad_alone() -> None:
    assert [d.priority for d in drafts(name_answers, llmnr("wpad"))] == ["medium"]


def netbios(names: list[str], *, address: str = RESPONDER, asked: str = "10.0.0.255") -> Any:
    made = []
    for name in names:
        made.append({"src": "10.0.0.5", "dst": asked, "transport": "udp", "name": name, "response": False})
        made.append(
            {
                "src": RESPONDER,
                "dst": "10.0.0.5",
                "transport": "udp",
                "name": name,
                "response": True,
                "address": address,
            }
        )
    return tables(nbns=family("nbns", *made))


def test_netbios_broadcasts() -> None:
    names = ["A<20>", "B<20>", "C<00>"]
    assert drafts(name_answers, netbios(names))
    assert not drafts(name_answers, netbios(names, address="10.0.0.7"))
    assert not drafts(name_answers, netbios(names, asked=RESPONDER))
    assert not drafts(name_answers, netbios(["DC1<20>", "OFFICE<1b>", "CORP<1c>", "LAB<1d>"]))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for i, name in enumerate(["filesrvv", "printr", "intranett"]):
        frames += [
            (i, wire.udp("10.0.0.5", "224.0.0.252", 54000 + i, 5355, wire.llmnr(name, i))),
            (i + 0.1, wire.udp(RESPONDER, "10.0.0.5", 5355, 54000 + i, wire.llmnr(name, i, RESPONDER))),
            (i + 0.2, wire.udp("10.0.0.5", "10.0.0.255", 137, 137, wire.netbios(name, i))),
            (i + 0.3, wire.udp(RESPONDER, "10.0.0.5", 137, 137, wire.netbios(name, i, RESPONDER))),
            (i + 0.4, wire.udp("10.0.0.7", "10.0.0.5", 5355, 54000 + i, wire.llmnr("pc-ben", i, "10.0.0.7"))),
        ]
    path = wire.write(tmp_path / "names.pcap", frames)
    found = drafts(name_answers, loaded(path).tables)
    assert [d.subject for d in found] == [RESPONDER]
    assert len(found[0].frames) == 6
    assert wire.exact(path, found[0])


def test_tells_who_logged_in_there_afterwards() -> None:
    made = llmnr("filesrvv", "printr", "intranett")
    login = family("smb", back(dst=RESPONDER, user="anna", domain="OFFICE", time=1_700_000_100.0))
    assert "OFFICE\\anna" in drafts(name_answers, tables(dns=made.dns, smb=login))[0].summary
    web = family("http", back(dst=RESPONDER, method="GET", host="wpad", uri="/wpad.dat", time=1_700_000_100.0))
    assert "wpad/wpad.dat" in drafts(name_answers, tables(dns=made.dns, http=web))[0].summary
