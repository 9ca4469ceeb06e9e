"""What could have hidden an indicator, from what the capture itself shows."""

from __future__ import annotations

from tests.builders import family, packets, tables
from tshark_report.focus.hidden import hidden
from tshark_report.focus.indicators import Indicator, Kind
from tshark_report.tables.tables import Tables


def _reasons(
    kind: Kind, made: Tables, *, filtered: bool = False, cut: bool = False, lacking: dict[Kind, str] | None = None
) -> str:
    found = hidden([Indicator((kind,), "x")], made, filtered=filtered, cut=cut, not_evaluated=lacking or {})
    assert len(found) == 1
    assert found[0].count == 1
    return "; ".join(found[0].reasons)


def test_names() -> None:
    silent = tables(packets=packets({}))
    assert "no DNS" in _reasons("name", silent)
    asked = tables(packets=packets({}), dns=family("dns", {"name": "a.example", "response": False}))
    assert "no DNS" not in _reasons("name", asked)
    veiled = tables(packets=packets({"dst_port": 853}), tls=family("tls", {"handshake": [1], "server_name": None}))
    said = _reasons("name", veiled)
    assert "DNS over TLS" in said
    assert "1 of 1 TLS client hello carry no server name" in said


def test_content() -> None:
    encrypted = tables(packets=packets({}), tls=family("tls", {"handshake": [1]}))
    for kind in ("sha256", "user-agent", "user"):
        assert "encrypted by TLS" in _reasons(kind, encrypted)  # type: ignore[arg-type]
    assert "encrypted" not in _reasons("sha256", tables(packets=packets({})))


def test_addresses() -> None:
    assert "address translation" in _reasons("address", tables(packets=packets({})))
    tunnel = tables(packets=packets({"protocols": "eth:ethertype:ip:esp"}))
    assert "tunnels" in _reasons("address", tunnel)
    in_clear = tables(packets=packets({"protocols": "eth:ethertype:ip:gre:ip:tcp"}))
    assert "tunnels" not in _reasons("address", in_clear)
    proxy = tables(packets=packets({}), http=family("http", {"method": "CONNECT", "uri": "a.example:443"}))
    assert "proxy (CONNECT)" in _reasons("endpoint", proxy)


def test_limits_of_the_report_itself() -> None:
    made = tables(packets=packets({}, {}))
    assert "limited to some of the packets" in _reasons("name", made, filtered=True)
    assert "cut short" in _reasons("sha256", made, cut=True)
    assert "cut short" not in _reasons("address", made, cut=True)
    assert _reasons("ja4", made, lacking={"ja4": "not evaluated: no field"}) == "not evaluated: no field"


def test_kinds_are_counted() -> None:
    many = [Indicator(("name",), f"{n}.example") for n in range(3)] + [Indicator(("mac",), "02:00:00:00:00:01")]
    found = hidden(many, tables(packets=packets({})), filtered=False, cut=False, not_evaluated={})
    assert [(h.kind, h.count) for h in found] == [("name", 3), ("mac", 1)]
