"""Findings and rows marked: usual ones lowered where that is safe, malicious kinds never."""

from __future__ import annotations

import pytest

from tests import builders as b
from tests.normal import office as o
from tests.normal.test_said import fired
from tshark_report.normal.judge import Known
from tshark_report.normal.mark import COLUMN, LOWERED, judged
from tshark_report.normal.said import Sessions, said
from tshark_report.rules import ALL
from tshark_report.rules.base import evidence
from tshark_report.story.findings import Fired

BY_NAME = {rule.name: rule for rule in ALL}
SAFE, NEVER = BY_NAME["regular-connections"], BY_NAME["executable-in-stream"]


def known_with(*found: Fired) -> Known:
    """A baseline in which these findings were made."""
    these = o.facts_of(o.ordinary(12))
    return Known(o.learn(o.ordinary(12), said(found, these)))


def one(each: Fired, known: Known, tables=None):  # noqa: ANN001, ANN201
    these = o.facts_of(tables or o.ordinary(12))
    return judged([each], known, Sessions(these, [each]), o.SETTINGS)[0]


@pytest.mark.parametrize(
    ("priority", "after"), [("high", "high"), ("medium", "low"), ("low", "info"), ("info", "info")]
)
def test_what_was_said_before_of_the_same_two_is_usual_and_lowered(priority: str, after: str) -> None:
    each = fired([1], rule=SAFE, priority=priority)
    made = one(each, known_with(each))
    assert made.mark.kind == "usual"
    assert made.fired.draft.priority == after
    assert made.lowered_from == (priority if priority != after else None)
    assert ("usual here" in made.fired.draft.lowered_because) == (priority != after)
    assert made.fired.id == each.id


@pytest.mark.parametrize("priority", ["high", "medium", "low"])
def test_malicious_kinds_are_never_lowered_however_usual(priority: str) -> None:
    each = fired([1], rule=NEVER, priority=priority)
    made = one(each, known_with(each))
    assert made.mark.kind == "usual"
    assert made.fired.draft.priority == priority
    assert made.lowered_from is None


def test_a_known_partner_is_not_enough() -> None:
    """The two know each other, but nobody said this of them while learning."""
    made = one(fired([1], rule=SAFE), known_with())
    assert made.mark.kind == "new"
    assert "known, but not this of them: 10.0.0.5 with shop.example tcp/443" in made.mark.reason
    assert made.fired.draft.priority == "medium"


def test_said_of_a_neighbour_is_not_enough() -> None:
    each = fired([1], rule=SAFE)
    neighbour = o.tables(*(o.session(n, client="10.0.0.6", at=n) for n in range(6)), names={o.SHOP: "www.shop.example"})
    made = one(fired([1], ("10.0.0.6", o.SHOP), rule=SAFE), known_with(each), neighbour)
    assert made.mark.kind == "new"
    assert made.lowered_from is None


def test_one_new_partner_among_known_ones_makes_it_new() -> None:
    each = fired([1], rule=SAFE)
    mixed = o.tables(o.session(0), o.session(1, server=o.BARE, at=9), names={o.SHOP: "www.shop.example"})
    made = one(fired([1, 7], rule=SAFE), known_with(each), mixed)
    assert made.mark.kind == "new"
    assert o.BARE in made.mark.reason


def test_new_findings_go_before_usual_ones_of_the_same_rank() -> None:
    usual, new = fired([1], rule=SAFE, weight=5), fired([7], rule=SAFE)
    mixed = o.tables(o.session(0), o.session(1, server=o.BARE, at=9), names={o.SHOP: "www.shop.example"})
    these = o.facts_of(mixed)
    high = [Fired(f.rule, b_) for f, b_ in ((usual, _high(usual)), (new, _high(new)))]
    assert min(high, key=lambda f: f.rank) is high[0]
    made = judged(high, known_with(usual), Sessions(these, high), o.SETTINGS)
    assert [j.mark.kind for j in made] == ["new", "usual"]


def _high(each: Fired):  # noqa: ANN202
    from dataclasses import replace

    return replace(each.draft, priority="high", subject=f"{each.draft.frames}")


def test_every_row_of_evidence_is_marked() -> None:
    rows = [[1, None, "a"], [7, None, "b"], [None, o.BARE, "c"], [None, None, "no address"]]
    columns = (("frame", "frame"), ("peer", "address"), ("what", "text"))
    each = fired([1], rule=SAFE, evidence=evidence(columns, rows))
    mixed = o.tables(o.session(0), o.session(1, server=o.BARE, at=9), names={o.SHOP: "www.shop.example"})
    these = o.facts_of(mixed)
    made = judged([each], known_with(each), Sessions(these, [each], [1, 7]), o.SETTINGS)[0]
    table = made.fired.draft.evidence
    assert table.columns[-1].name == COLUMN
    # The last row names nothing of its own, so it shares the mark of the finding.
    assert [row[-1] for row in table.rows] == ["usual here", "new here", "new here", "usual here"]
    assert table.total_rows == 4


def test_findings_without_a_session_are_known_by_code_and_host() -> None:
    rule = BY_NAME["gratuitous-arp-flood"]
    arp = b.tables(
        packets=b.packets({"transport": None, "stream": None, "protocol": "ARP", "src": o.PC, "dst": o.SERVER})
    )
    each = fired([1], (o.PC,), rule=rule)
    assert one(each, known_with(each), arp).mark.kind == "usual"
    assert one(each, known_with(), arp).mark.kind == "new"
    stranger = fired([1], ("10.0.0.99",), rule=rule)
    assert "not seen while learning" in one(stranger, known_with(), arp).mark.reason
    assert one(fired([1], (o.BARE,), rule=rule), known_with(), arp).mark.kind == ""


def test_lost_packets_are_an_unusual_amount_of_a_transport_finding() -> None:
    rule = BY_NAME["resent-segments"]
    made = o.ordinary(12)
    these = o.facts_of(made)
    lossy = these.sessions.with_columns(resent=4)
    made.kept[("normal", "facts")] = type(these)(lossy, made, o.SETTINGS)
    each = fired([1, 7, 13], rule=rule)
    found = judged([each], known_with(each), Sessions(made.kept[("normal", "facts")], [each]), o.SETTINGS)[0]
    assert found.mark.kind == "amount"
    assert "sent again" in found.mark.reason


def test_only_rules_that_exist_may_be_lowered() -> None:
    assert LOWERED.issubset(BY_NAME)


def test_rules_of_attacks_are_not_among_those_that_may_be_lowered() -> None:
    never = {
        "disguised-executable", "executable-in-stream", "code-download", "download-chain", "change-after-download",
        "dns-tunnel", "icmp-tunnel", "executables-over-smb", "remote-execution", "refused-logins", "arp-spoofing",
        "web-attack-requests", "web-shell-calls", "shell-commands", "vertical-port-scan", "horizontal-port-scan",
        "injected-resets", "directory-replication", "jndi-lookups", "smb1-transactions", "rare-rpc-calls",
        "heartbeat-overreads", "executable-download", "file-uploads", "irc-sessions", "bare-address-posts", "syn-flood",
    }  # fmt: skip
    assert never.issubset(BY_NAME)
    assert not never & LOWERED
