"""A baseline in words, as JSON and as a page."""

from __future__ import annotations

import json
import re

import pytest

from tests import builders as b
from tests.normal import office as o
from tshark_report.errors import UsageError
from tshark_report.normal import show
from tshark_report.normal.model import Baseline
from tshark_report.normal.page import page

HOSTILE = "<script>alert(1)</script>\u202e"


def learnt() -> Baseline:
    http = b.family(
        "http", {"method": "GET", "user_agent": HOSTILE, "src": o.PC, "dst": o.SHOP, "host": "www.shop.example"}
    )
    several = [o.session(n, at=120.0 * n) for n in range(20)]
    return o.learn(
        o.tables(*several, o.session(30, server=o.SERVER, port=445), names={o.SHOP: "www.shop.example"}, http=http)
    )


def test_the_terminal_names_networks_hosts_and_amounts() -> None:
    made = learnt()
    text = "\n".join(show.lines(made, show.chosen(made, ""), whole=False))
    assert "network 10.0.0.0/24: 1 capture" in text
    assert re.search(r"shop\.example tcp/443 +20 +0", text)
    assert "host 10.0.0.5" in text
    assert re.search(r"in a minute \(median / 95 %\): sent (19|20|21)\d bytes", text)


def test_one_host_in_full() -> None:
    made = learnt()
    text = "\n".join(show.lines(made, show.chosen(made, o.PC), whole=True))
    assert text.count("host ") == 1
    assert "www.shop.example" in text or "shop.example" in text


def test_an_unknown_host_is_told() -> None:
    with pytest.raises(UsageError, match="does not know") as error:
        show.chosen(learnt(), "10.9.9.9")
    assert "10.0.0.0/24" in error.value.next_step


def test_json_has_quantiles_in_place_of_bins() -> None:
    made = learnt()
    data = json.loads(show.as_json(made, show.chosen(made, o.PC)))
    one = data["profiles"][o.PC]["domains"]["shop.example tcp/443"]
    assert one["sessions"] == 20
    assert one["up"]["values"] == 20
    assert one["up"]["median"] == pytest.approx(200, rel=0.06)


def test_hours_in_words() -> None:
    assert show.hours({"8": 1, "9": 1, "10": 2, "14": 1, "x": 1, "99": 1}) == "8-10, 14"
    assert show.hours({}) == ""


def test_the_page_has_pictures_and_no_script() -> None:
    made = learnt()
    text = page(made, "<b>.json", show.chosen(made, ""))
    assert "<script" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert text.count("<svg") >= 6
    assert "default-src &#39;none&#39;" in text
    assert "javascript:" not in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_an_empty_baseline_is_a_page_too() -> None:
    assert "0 hosts" in page(Baseline(), "n.json", {})
