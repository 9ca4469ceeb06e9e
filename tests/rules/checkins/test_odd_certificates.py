"""TLS001: self-signed certificates with oddities, judged at the time of the capture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import START, drafts, family, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.base import Draft
from tshark_report.rules.checkins.odd_certificates import odd_certificates
from tshark_report.tables import certificates as certificate_table

DAY = 86_400.0


def stamp(moment: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%SZ")


def found(
    subject: str,
    issuer: str = "",
    *,
    age: float = 400,
    days: float = 365,
    port: int = 443,
    asked: str = "",
    server: str = wire.OUTSIDE,
    looked_up: tuple[str, ...] = (),
    organisation: str = "",
) -> list[Draft]:
    """What the rule says about one certificate; `age` and `days` are its age and lifetime in days."""
    begin = START - age * DAY
    sent = wire.certificate(subject, issuer, stamp(begin), stamp(begin + days * DAY), organisation)
    der = sent[sent.index(b"\x30\x82", 40) :].hex()
    row = {
        "src": server,
        "dst": wire.CLIENT,
        "src_port": port,
        "dst_port": 40000,
        "der": der,
        "lengths": [400],
        "time": START,
    }
    hello = {"dst": server, "dst_port": port, "handshake": [1], "server_name": asked or None}
    names = family("dns", *({"src": wire.CLIENT, "name": name, "response": False} for name in looked_up))
    made = tables(certificates=family("certificates", row), tls=family("tls", hello), dns=names)
    assert made.certificates.height == 1
    assert made.certificates.columns == list(certificate_table.CERTIFICATE_SCHEMA)
    return drafts(odd_certificates, made)


def test_low_where_the_client_uses_more_of_the_same_domain() -> None:
    def priority(subject: str, names: tuple[str, ...]) -> str:
        return found(subject, days=3650, port=4041, looked_up=names)[0].priority

    names = ("a.shop.example", "b.shop.example", "c.shop.example")
    assert priority("shop.example", names) == "low"
    assert priority("shop.example", names[:2]) != "low"
    assert priority("shop.example", ("a.other.example", "b.other.example", "c.other.example")) != "low"
    assert priority("Remote Server", names) == "high"


def test_three_oddities_are_high() -> None:
    told = found("Remote Server", days=3650, port=4041)
    assert told[0].priority == "high"
    for words in (
        'self-signed certificate "CN=Remote Server"',
        "valid for 10 years",
        "is no host name",
        "no server name",
        "port 4041",
    ):
        assert words in told[0].summary


def test_medium_where_only_the_protocol_is_not_the_webs() -> None:
    # A backup program: a number for a name, its own port, no server name asked for.
    told = found("813845657003339838", age=10, days=40, port=4287, organisation="Backup")
    assert [(d.priority, d.lowered_because) for d in told] == [
        ("medium", "Its oddities are those of any program that does not speak to web browsers.")
    ]
    assert found("813845657003339838", age=1, days=40, port=4287)[0].priority == "high"


def test_medium_where_it_names_an_organisation_and_its_own_domain() -> None:
    def priority(organisation: str, age: float = 364) -> str:
        return found("www.shop.example", age=age, days=3650, port=4041, organisation=organisation)[0].priority

    assert priority("Shop") == "medium"
    assert priority("Shop", age=365) == "low"
    assert priority("Other", age=365) == "high"
    assert priority("Other") == "high"
    assert priority("") == "high"


def test_lifetime_counts_from_ten_years() -> None:
    assert "valid for 10 years" in found("a.example", asked="a.example", days=3650)[0].summary
    assert found("a.example", asked="a.example", days=3649)[0].priority == "low"


def test_freshness_counts_below_two_days() -> None:
    assert "hours before it was shown" in found("a.example", asked="a.example", age=1.9)[0].summary
    assert "before it was shown" not in found("a.example", asked="a.example", age=2)[0].summary


def test_quiet_on_a_certificate_of_an_authority() -> None:
    assert not found("www.shop.example", "Some Authority R3", age=10, days=90, asked="www.shop.example")


def test_validity_is_judged_at_capture_time() -> None:
    told = found("www.shop.example", "Some Authority R3", age=91, days=90, asked="www.shop.example")
    assert (told[0].priority, "1 expired, 0 not yet valid" in told[0].summary) == ("low", True)
    assert not found("www.shop.example", "Some Authority R3", age=89, days=90, asked="www.shop.example")
    assert (
        "0 expired, 1 not yet valid"
        in found("www.shop.example", "Some Authority R3", age=-1, days=90, asked="www.shop.example")[0].summary
    )


@pytest.mark.parametrize(
    ("port", "server", "priority"), [(443, wire.INSIDE, "info"), (3389, wire.OUTSIDE, "low"), (25, wire.OUTSIDE, "low")]
)
def test_appliances_and_mail_servers_are_no_alarm(port: int, server: str, priority: str) -> None:
    assert found("appliance", days=7300, port=port, server=server)[0].priority == priority


def test_a_name_that_does_not_match_is_one_oddity() -> None:
    assert found("a.example", asked="b.example")[0].priority == "medium"
    assert "the client asked for b.example" in found("a.example", asked="b.example")[0].summary


def test_filter_selects_the_certificates(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [
        (0.1, ">", wire.hello()),
        (0.2, "<", wire.certificate("Remote Server")),
        (0.3, ">", wire.application_data(64)),
    ]
    sessions = [wire.tcp(at, talk, port=4041, client_port=40000 + n) for n, at in enumerate((0, 50, 170))]
    good = [
        (0.1, ">", wire.hello("ok.example")),
        (0.2, "<", wire.certificate("ok.example", "Authority", end="20240101000000Z")),
    ]
    capture = wire.write(tmp_path / "a.pcap", *sessions, wire.tcp(5, good, server=wire.OTHER, client_port=50000))
    told = wire.exact(odd_certificates, loaded, capture)
    assert len(told) == 1
    assert len(told[0].frames) == 3
    assert "without end (9999-12-31)" in told[0].summary


def test_a_clients_certificate_is_no_servers(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [
        (0.1, ">", wire.hello()),
        (0.2, "<", wire.certificate("Remote Server")),
        (0.3, ">", wire.certificate("Client 7")),
    ]
    capture = wire.write(tmp_path / "both.pcap", wire.tcp(0, talk, port=4041, client_port=40000))
    told = wire.exact(odd_certificates, loaded, capture)
    assert [d.subject for d in told] == [f"{wire.CLIENT} -> {wire.OUTSIDE}:4041"]
    assert "Client 7" not in told[0].summary


def test_own_captures(loaded: wire.Read) -> None:
    told = wire.exact(odd_certificates, loaded, fixture_capture("beacon_tls"))
    assert [(d.hosts, d.priority) for d in told] == [(("10.20.0.21", "203.0.113.66"), "high")]
    assert not drafts(odd_certificates, loaded(fixture_capture("quiet_hour")).tables)


@pytest.mark.shared
def test_published_capture(loaded: wire.Read) -> None:
    told = wire.exact(odd_certificates, loaded, case_capture("asyncrat_cert"))
    assert told[0].priority == "high"
    assert "CN=AsyncRAT Server" in told[0].summary
    assert "2020-05-12 without end" in told[0].summary


@pytest.mark.shared
def test_ordinary_browsing_is_quiet(loaded: wire.Read) -> None:
    assert not drafts(odd_certificates, loaded(case_capture("ndpi_firefox_tls")).tables)


def test_a_wrong_clock_is_one_finding() -> None:
    rows = []
    for n in range(4):
        sent = wire.certificate(
            f"www.shop{n}.example", "Some Authority R3", stamp(START + DAY), stamp(START + 90 * DAY)
        )
        row = {
            "src": f"203.0.113.{n}",
            "dst": wire.CLIENT,
            "src_port": 443,
            "stream": n,
            "time": START,
            "lengths": [400],
        }
        rows.append(row | {"der": sent[sent.index(b"\x30\x82", 40) :].hex()})
    told = drafts(odd_certificates, tables(certificates=family("certificates", *rows)))
    assert [d.priority for d in told] == ["info"]
    assert "its clock is probably wrong" in told[0].summary


def test_an_issuer_that_is_a_host_name_is_no_authority() -> None:
    told = found("www.aqe3x7.com", "www.zmf5u2.net", asked="www.qq2.com", port=9001)
    assert told[0].priority == "medium"
    assert "no authority but a host name" in told[0].summary
