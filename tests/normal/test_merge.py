"""Merging: the same as learning together, without the captures; tables stay within their limits."""

from __future__ import annotations

from tests.normal import office as o
from tshark_report.normal import amounts, merge
from tshark_report.normal.model import Baseline, Profile, Traffic


def test_counts_add_up_and_bins_merge() -> None:
    one = o.learn(o.ordinary(3), {o.PC: ["CHK001"]}, "a" * 64)
    two = o.learn(o.ordinary(4, up=9000), {o.PC: ["CHK001"]}, "b" * 64)
    both = merge.merged(one, two)
    assert both == merge.merged(two, one) or both.captures == ["a" * 64, "b" * 64]
    found = both.hosts[o.PC].domains["shop.example tcp/443"]
    assert (found.sessions, found.captures) == (7, 2)
    assert amounts.count(found.up) == 7
    assert both.hosts[o.PC].findings == {"CHK001": 2}
    assert both.hosts[o.PC].captures == 2
    assert both.hosts[o.PC].seconds == one.hosts[o.PC].seconds + two.hosts[o.PC].seconds
    assert both.packets == one.packets + two.packets
    assert both.hours == {"22": 2}


def test_hosts_of_either_are_in_both() -> None:
    other = o.learn(o.tables(o.session(0, client="10.0.1.7")), sha="b" * 64)
    both = merge.together([o.learn(o.ordinary(1)), other])
    assert set(both.hosts) == {o.PC, "10.0.1.7"}
    assert set(both.networks) == {"10.0.0.0/24", "10.0.1.0/24"}
    assert both.first <= both.last


def test_nothing_to_merge() -> None:
    assert merge.together([]) == Baseline()


def test_the_rarest_entries_are_dropped_and_counted() -> None:
    table = {f"x{n}.example tcp/443": Traffic(captures=1, sessions=n) for n in range(merge.MOST_OF_HOST + 5)}
    cut = merge.pruned(Baseline(hosts={o.PC: Profile(domains=table)}))
    kept = cut.hosts[o.PC]
    assert len(kept.domains) == merge.MOST_OF_HOST
    assert kept.left_out == 5
    assert "x0.example tcp/443" not in kept.domains
    assert f"x{merge.MOST_OF_HOST + 4}.example tcp/443" in kept.domains


def test_hosts_that_were_seen_most_often_are_kept() -> None:
    hosts = {f"10.0.{n // 256}.{n % 256}": Profile(captures=n) for n in range(merge.MOST_HOSTS + 3)}
    kept = merge.pruned(Baseline(hosts=hosts)).hosts
    assert len(kept) == merge.MOST_HOSTS
    assert "10.0.0.0" not in kept
