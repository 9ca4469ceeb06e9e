"""What is new although no rule fired."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import builders as b
from tests.normal import office as o
from tshark_report.normal.judge import Known
from tshark_report.normal.model import Baseline, Profile, replaced
from tshark_report.normal.news import ENOUGH_SECONDS, ENOUGH_SESSIONS, News, news
from tshark_report.tables.tables import Tables

LONG = o.ordinary(ENOUGH_SESSIONS + 2)


def found(made: Tables, baseline: Baseline | None = None) -> list[News]:
    return news(o.facts_of(made), Known(baseline or o.learn(LONG)))


def kinds(several: list[News]) -> list[tuple[str, str]]:
    return [(n.kind, n.what) for n in several]


def shop(*rows: list[dict], **more) -> Tables:  # noqa: ANN003
    return o.tables(*rows, names=None if "dns" in more else {o.SHOP: "www.shop.example"}, **more)


def test_the_same_day_again_is_no_news() -> None:
    assert found(shop(*(o.session(n, at=60.0 * n) for n in range(5)))) == []


def test_another_named_place_is_listed_without_signs() -> None:
    made = o.tables(o.session(0, server=o.BARE), names={o.BARE: "www.other.example"})
    places = [n for n in found(made) if n.kind == "destination"]
    assert kinds(places) == [("destination", "other.example tcp/443")]
    assert places[0].signs == ()
    assert places[0].frame == 1
    assert places[0].display_filter == f"(ip.addr == {o.PC} && ip.addr == {o.BARE}) && tcp.port == 443"


def test_signs_add_up() -> None:
    made = o.tables(*(o.session(n, server=o.BARE, port=8081, at=n, up=200_000) for n in range(9)))
    place = next(n for n in found(made) if n.kind == "destination")
    assert len(place.signs) == 4
    assert place.habit
    words = "; ".join(place.signs)
    for expected in ("by its address", "tcp/8081", "200.0 kB", "9 sessions"):
        assert expected in words


def test_little_learning_makes_no_signs() -> None:
    made = o.tables(o.session(0, server=o.BARE, port=8081, up=200_000))
    short = o.learn(o.ordinary(3))
    assert [n.signs for n in found(made, short) if n.kind == "destination"] == [()]
    assert short.networks["10.0.0.0/24"].seconds < ENOUGH_SECONDS


def test_unanswered_attempts_are_no_destination() -> None:
    assert [n for n in found(o.tables(o.session(0, server=o.BARE, answered=False))) if n.kind == "destination"] == []


def test_a_new_host_and_where_its_hardware_address_was() -> None:
    rows = [row | {"eth_src": "02:00:00:00:00:05"} for row in o.session(0, client="10.0.0.77")]
    host = next(n for n in found(shop(rows)) if n.kind == "host")
    assert host.host == "10.0.0.77"
    assert f"hardware address was that of {o.PC}" in host.seen


def test_a_new_service_of_a_known_host() -> None:
    made = found(o.tables(o.session(0, client="10.0.0.6", server=o.PC, port=4444)))
    service = next(n for n in made if n.kind == "service")
    assert (service.host, service.what, service.usual) == (o.PC, "tcp/4444", "offers nothing")


def test_programs_fingerprints_issuers_and_names() -> None:
    baseline = o.learn(LONG)
    network = replaced(baseline.networks["10.0.0.0/24"], agents={"Old/1": 3}, ja3={"a": 3})
    baseline = replaced(baseline, networks={"10.0.0.0/24": network})
    http = b.family(
        "http", {"method": "GET", "user_agent": "New/1", "src": o.PC, "dst": o.SHOP, "host": "www.shop.example"}
    )
    tls = b.family("tls", {"ja3": "b", "src": o.PC, "dst": o.SHOP})
    dns = b.family("dns", *({"name": n, "response": False, "src": o.PC, "dst": "10.0.0.1", "protocol": "DNS"}
                            for n in ("a.drop.example", "b.drop.example", "bare")))  # fmt: skip
    made = kinds(found(o.tables(o.session(0), http=http, tls=tls, dns=dns), baseline))
    assert ("program", "New/1") in made
    assert ("TLS fingerprint", "b") in made
    assert [w for k, w in made if k == "name"] == ["drop.example"]


def test_what_was_never_learnt_of_a_network_is_not_all_new() -> None:
    tls = b.family("tls", {"ja3": "b", "src": o.PC, "dst": o.SHOP})
    assert not [n for n in found(shop(o.session(0), tls=tls)) if n.kind == "TLS fingerprint"]


@pytest.mark.parametrize(("ttl", "kind"), [(64, None), (128, "TTL")])
def test_a_changed_ttl(ttl: int, kind: str | None) -> None:
    made = [n.kind for n in found(shop(o.session(0, ttl=ttl))) if n.kind == "TTL"]
    assert made == ([kind] if kind else [])


def test_another_hardware_address() -> None:
    rows = [row | {"eth_src": "02:aa:aa:aa:aa:aa"} if row["src"] == o.PC else row for row in o.session(0)]
    one = next(n for n in found(shop(rows)) if n.kind == "hardware address")
    assert (one.what, one.usual) == ("02:aa:aa:aa:aa:aa", "02:00:00:00:00:05")


def test_hours_need_captures_that_covered_them() -> None:
    night = shop(o.session(0, at=5 * 3600.0))
    baseline = o.learn(LONG)
    assert "hour" not in [n.kind for n in found(night, baseline)]
    covered = replaced(baseline, hours={"22": 3, "3": 3})
    hour = next(n for n in found(night, covered) if n.kind == "hour")
    assert hour.what == "03:00 to 03:59 UTC"
    assert hour.usual == "active at 22, 23"


def test_amounts_are_told_once_for_each_partner() -> None:
    made = found(shop(*(o.session(n, at=n, up=3_000_000) for n in range(4))))
    amounts = [n for n in made if n.kind == "amount"]
    assert len(amounts) == 1
    assert amounts[0].amount
    assert "3.0 MB sent in one session (4 sessions like it)" in amounts[0].seen


def test_uploads_of_different_sizes_to_one_partner_are_one_row() -> None:
    sizes = (3_000_000, 4_100_000, 9_900_000)
    made = found(shop(*(o.session(n, at=n, up=size) for n, size in enumerate(sizes))))
    amounts = [n for n in made if n.kind == "amount"]
    assert [(n.measure, n.seen, len(n.sessions)) for n in amounts] == [
        ("sent", "3.0 MB sent in one session (3 sessions like it)", 3)
    ]
    assert "tcp.port == 443" in amounts[0].display_filter


def test_what_was_sent_and_how_long_it_took_are_two_rows() -> None:
    made = found(shop(o.session(0, up=3_000_000), o.session(1, at=9, think=2.5)))
    assert sorted(str(n.measure) for n in made if n.kind == "amount") == ["answer", "sent"]


def test_a_slow_service_of_its_own_is_an_amount() -> None:
    learnt = o.learn(o.tables(*(o.session(n, server=o.SERVER, port=80, at=n) for n in range(8))))
    made = found(o.tables(o.session(0, server=o.SERVER, port=80, think=2.5)), learnt)
    one = next(n for n in made if n.kind == "amount" and n.host == o.SERVER)
    assert one.what == "its own tcp/80"
    assert "answer in 2.5" in one.seen


def test_hosts_of_other_networks_are_left_out() -> None:
    assert found(o.tables(o.session(0, client="10.77.0.1", server=o.BARE))) == []


def test_nothing_learnt_says_nothing() -> None:
    assert found(shop(o.session(0)), Baseline(hosts={o.PC: Profile()})) == []


def test_telling_things_come_first() -> None:
    made = found(o.tables(o.session(0, server=o.SHOP, at=0), o.session(1, server=o.BARE, port=99, at=5),
                          names={o.SHOP: "www.fresh.example"}))  # fmt: skip
    assert len(made[0].signs) == max(len(n.signs) for n in made)
    assert replace(made[0]).what.startswith(o.BARE)
