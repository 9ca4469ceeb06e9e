"""DNS015: SERVFAIL and REFUSED; NXDOMAIN is an answer, one error is a broken domain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.resolver_errors import resolver_errors


def dns(errors: int, good: int = 0, rcode: int = 2, **columns: Any) -> Any:
    rows = [row for n in range(errors) for row in (q(f"bad{n}.example.com"), r(f"bad{n}.example.com", rcode=rcode))]
    rows += [row for n in range(good) for row in (q(f"n{n}.example.com"), r(f"n{n}.example.com"))]
    return tables(dns=family("dns", *[row | columns for row in rows]))


def test_low_at_two_errors() -> None:
    found = drafts(resolver_errors, dns(2))
    assert [(d.subject, d.priority) for d in found] == [(wire.RESOLVER, "low")]
    assert "SERVFAIL" in found[0].summary
    assert not drafts(resolver_errors, dns(1))


def test_medium_where_the_server_is_in_trouble() -> None:
    assert drafts(resolver_errors, dns(3, 7))[0].priority == "medium"
    assert drafts(resolver_errors, dns(3, 8))[0].priority == "low"


def test_quiet_on_names_that_do_not_exist() -> None:
    assert not drafts(resolver_errors, dns(20, rcode=3))


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n in range(4):
        frames += [ask(n, n, f"bad{n}.example.com"), tell(n + 0.1, n, f"bad{n}.example.com", rcode=2 if n % 2 else 5)]
    frames += [ask(9, 9, "no.example.com"), tell(9.1, 9, "no.example.com", rcode=3)]
    frames += [
        ask(10, 10, "bad0.example.com", server=wire.OTHER),
        tell(10.1, 10, "bad0.example.com", [wire.a("bad0.example.com", "192.0.2.1")], server=wire.OTHER),
    ]
    path = wire.write(tmp_path / "errors.pcap", frames)
    found = drafts(resolver_errors, loaded(path).tables)
    assert list(found[0].frames) == [2, 4, 6, 8]
    assert f"{wire.OTHER} answered some of these names" in found[0].summary
    assert wire.exact(path, found[0])
