"""Expected findings are hidden, and counted."""

from __future__ import annotations

import pytest

from tests import builders as b
from tshark_report.rules import ALL
from tshark_report.rules.base import Draft, evidence
from tshark_report.settings import Allowed, Settings
from tshark_report.story.allowed import split
from tshark_report.story.findings import Fired

RULE = next(r for r in ALL if r.name == "http-on-odd-ports")
OTHER = next(r for r in ALL if r.name == "regular-requests")


def _fired(rule=RULE, port: int = 8080) -> Fired:
    return Fired(rule, Draft("s", (b.CLIENT, b.SERVER), "asked shop.example", "x", "low", "low",
                             f"ip.addr == {b.SERVER} && tcp.dstport == {port}", [1], evidence([], [])))  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "hides"),
    [
        (Allowed(code=RULE.code), True),
        (Allowed(host=b.SERVER, port=8080), True),
        (Allowed(port=80), False),  # not the 80 of 8080
        (Allowed(name="shop.example"), True),
        (Allowed(code=RULE.code, host="192.0.2.1"), False),
        (Allowed(reason="everything"), False),
    ],
)
def test_every_key_given_must_match(entry: Allowed, hides: bool) -> None:
    kept, hidden = split([_fired()], Settings(allowed=(entry,)))
    assert (len(kept), len(hidden)) == ((0, 1) if hides else (1, 0))


def test_an_expected_service_hides_only_that_it_is_there() -> None:
    settings = Settings(expected_services={b.SERVER: (8080,)})
    kept, hidden = split([_fired(), _fired(OTHER), _fired(port=8081)], settings)
    assert [f.rule.name for f in kept] == ["regular-requests", "http-on-odd-ports"]
    assert hidden == [f"{RULE.code} http-on-odd-ports about s: {b.SERVER} is expected to serve port 8080"]
