"""A session against a baseline: usual, new or an unusual amount, at each edge."""

from __future__ import annotations

import pytest

from tests.normal import office as o
from tshark_report.normal import amounts
from tshark_report.normal.judge import Known, Mark, Odd, odd_amount, worst
from tshark_report.normal.model import Baseline, Profile, Traffic
from tshark_report.normal.said import Lookup
from tshark_report.tables.tables import Tables

KNOWN = Known(o.learn(o.ordinary(12)))


def mark(made: Tables) -> Mark:
    return KNOWN.session(o.facts_of(made).sessions.row(0, named=True))


def named(*rows: list[dict]) -> Tables:
    return o.tables(*rows, names={o.SHOP: "www.shop.example"})


def test_the_same_again_is_usual_and_its_own() -> None:
    found = mark(named(o.session(0)))
    assert (found.kind, found.alone) == ("usual", True)
    assert "1 capture" in found.reason


def test_a_neighbour_does_what_the_network_does() -> None:
    found = mark(named(o.session(0, client="10.0.0.6")))
    assert (found.kind, found.alone) == ("usual", False)
    assert "by others of 10.0.0.0/24" in found.reason


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (o.tables(o.session(0, server=o.BARE)), f"did not use tcp/443 of {o.BARE}"),
        (named(o.session(0, port=8443)), "did not use tcp/8443 of shop.example"),
        (o.tables(o.session(0, server=o.SERVER, port=445)), f"{o.SERVER} is a host that was not seen"),
        (o.tables(o.session(0, client=o.SHOP, server=o.PC, port=4444)), f"{o.PC} was not seen offering tcp/4444"),
    ],
)
def test_new(made: Tables, words: str) -> None:
    found = mark(made)
    assert found.kind == "new"
    assert words in found.reason


def test_another_network_is_not_compared() -> None:
    found = mark(o.tables(o.session(0, client="10.7.7.7")))
    assert found.kind == ""
    assert "10.7.7.0/24 is not in the baseline" in found.reason
    assert mark(o.tables(o.session(0, client=o.BARE))).kind == ""


def test_a_service_used_from_home_only_is_new_from_outside() -> None:
    known = Known(o.learn(o.tables(*(o.session(n, server=o.SERVER, port=445, at=n) for n in range(6)))))
    inside = o.facts_of(o.tables(o.session(0, server=o.SERVER, port=445))).sessions.row(0, named=True)
    outside = o.facts_of(o.tables(o.session(0, client=o.SHOP, server=o.SERVER, port=445))).sessions.row(0, named=True)
    assert known.session(inside).kind == "usual"
    assert known.session(outside) == Mark("new", f"tcp/445 of {o.SERVER} was used from home only")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"up": 90_000}, "usual"),  # below the least that tells
        ({"up": 2_000_000}, "amount"),
        ({"down": 2_000_000}, "amount"),
        ({"think": 0.02}, "usual"),
        ({"think": 0.09}, "usual"),  # nine times as long, but within 100 ms
        ({"think": 1.5}, "amount"),
    ],
)
def test_amounts(change: dict, kind: str) -> None:
    assert mark(named(o.session(0, **change))).kind == kind


def test_few_sessions_make_no_amount_unusual() -> None:
    known = Known(o.learn(o.ordinary(4)))
    row = o.facts_of(named(o.session(0, up=5_000_000, think=3.0))).sessions.row(0, named=True)
    assert known.session(row).kind == "usual"


def test_loss_is_told_by_its_share() -> None:
    learnt = Traffic(sessions=20, packets=2000, resent=2)
    row = {"up": 0, "down": 0, "rtt": None, "think": [], "resent": 3, "packets": 100}
    assert odd_amount(row, learnt) == Odd("sent again", "3 of 100 packets sent again", "2 of 2,000 while learning")
    assert odd_amount(row | {"resent": 2}, learnt) is None
    assert odd_amount(row | {"packets": 5000}, learnt) is None
    assert odd_amount(row, Traffic(sessions=2, packets=200)) is None


def test_loss_of_one_service_is_not_held_against_another() -> None:
    """Each service of a server has its own past: mail that always lost packets does not excuse the web."""
    past = {"tcp/443": Traffic(sessions=20, packets=2000), "tcp/25": Traffic(sessions=20, packets=2000, resent=400)}
    known = Known(Baseline(networks={"10.0.0.0/24": Profile(used=past)}))
    row = {"client": o.PC, "server": o.SERVER, "client_home": True, "server_home": True, "domain": None}
    web = row | {"service": "tcp/443", "resent": 10, "packets": 200}
    mail = row | {"service": "tcp/25", "resent": 20, "packets": 100}
    assert known.loss([mail]) == ""
    assert (
        known.loss([web, mail])
        == known.loss([mail, web])
        == ("10 of 200 packets sent again; 0 of 2,000 while learning")
    )


def test_the_median_of_two_answers_lies_between_them() -> None:
    learnt = Traffic(sessions=20, packets=2000, think=amounts.of([0.05] * 20))
    row = {"up": 0, "down": 0, "rtt": None, "resent": 0, "packets": 10}
    found = odd_amount(row | {"think": [0.01, 1.5]}, learnt)
    assert found is not None
    assert found.seen == "answer in 0.755 s"
    assert odd_amount(row | {"think": [0.01, 0.01, 1.5]}, learnt) is None


def test_names() -> None:
    from tests import builders as b

    answer = {"name": "www.shop.example", "response": True, "a": [o.SHOP], "answer_types": [1], "ttls": [3600],
              "src": "10.0.0.1", "dst": o.PC, "protocol": "DNS"}  # fmt: skip
    known = Known(o.learn(o.tables(o.session(0), dns=b.family("dns", answer))))
    assert known.lookup(Lookup(o.PC, "www.shop.example", "shop.example", 3000)).kind == "usual"
    assert known.lookup(Lookup(o.PC, "new.shop.example", "shop.example")).kind == "usual"
    short = known.lookup(Lookup(o.PC, "www.shop.example", "shop.example", 5))
    assert short.kind == "amount"
    assert "5 s" in short.reason
    assert known.lookup(Lookup(o.PC, "a.drop.example", "drop.example")).kind == "new"
    assert not known.lookup(Lookup("10.0.0.6", "www.shop.example", "shop.example", 3000)).alone
    assert known.lookup(Lookup("10.9.9.9", "www.shop.example", "shop.example")).kind == ""


def test_the_worst_mark_speaks() -> None:
    assert worst([Mark("usual", alone=True), Mark("amount"), Mark("new")]).kind == "new"
    assert worst([Mark("usual", alone=True), Mark("usual", "by others")]) == Mark("usual", "by others")
    assert worst([Mark("usual"), Mark("")]).kind == ""
    assert worst([]).kind == ""
