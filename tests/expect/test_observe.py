"""What a capture shows of home hosts."""

from __future__ import annotations

import pytest

from tests.normal import office as o
from tshark_report.expect.observe import Host, Seen, observed, role_of

ONE = Seen(1, 1, "")


def test_hosts_services_and_places() -> None:
    made = observed(o.tables(o.session(0, server=o.SERVER, port=445), o.session(1, at=5), o.session(2, at=9, answered=False, server=o.BARE),
                             names={o.SHOP: "www.shop.example"}), o.SETTINGS)  # fmt: skip
    assert list(made) == [o.PC, o.SERVER]
    assert set(made[o.PC].uses) == {"tcp/445", "tcp/443"}
    assert set(made[o.PC].reaches) == {"shop.example"}
    assert made[o.SERVER].role == "file server"
    assert made[o.SERVER].offers["tcp/445"] == Seen(
        1, 1, f"(ip.addr == {o.PC} && ip.addr == {o.SERVER}) && tcp.port == 445"
    )
    assert made[o.PC].macs == ["02:00:00:00:00:05"]


@pytest.mark.parametrize(
    ("offers", "role"),
    [([], "client"), (["tcp/4444"], "server"), (["tcp/443", "tcp/445"], "file server"), (["udp/53"], "name server"),
     (["tcp/88", "tcp/389", "udp/53"], "domain controller"), (["tcp/88", "tcp/445"], "file server")],
)  # fmt: skip
def test_roles(offers: list[str], role: str) -> None:
    assert role_of(Host("10.0.0.1", offers=dict.fromkeys(offers, ONE))) == role
