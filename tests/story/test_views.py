"""What a report says of the capture as a whole."""

from __future__ import annotations

from tests.builders import packets, tables
from tshark_report.story.views import overview


def test_the_overview_names_how_many_addresses_there_are() -> None:
    one = tables(packets=packets({"src": "127.0.0.1", "dst": "127.0.0.1"}))
    assert ", by one IP address; mostly" in overview(one, 1, ["ether"])
    two = tables(packets=packets({"src": "10.0.0.1", "dst": "10.0.0.2"}))
    assert ", between 2 IP addresses; mostly" in overview(two, 1, ["ether"])
    none = tables(packets=packets({"src": None, "dst": None}))
    assert "UTC; mostly" in overview(none, 1, ["ether"])
