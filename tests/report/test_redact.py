"""Pseudonyms are stable, kept apart by kind, and leave nothing behind."""

from __future__ import annotations

import ipaddress

import pytest

from tests.report import sample
from tshark_report.report import as_html, as_json, redact
from tshark_report.report.redact import Kind, Pseudonyms
from tshark_report.report.walk import map_text

SECRETS: dict[Kind, list[str]] = {
    "ips": [sample.PC, sample.DC, sample.SHOP, sample.DROP, sample.HOME, "203[.]0[.]113[.]66", "2001:db8:1::7"],
    "hosts": ["DESK-17", "dc01.corp.example", "shop.example", "cdn-status.example", "cdn-status[.]example"],
    "users": ["j.doe"],
    "macs": ["00:1c:42:6e:01:03", "00:1b:a9:10:20:30"],
}


@pytest.mark.parametrize("kind", redact.KINDS)
def test_nothing_of_a_kind_is_left(kind: Kind) -> None:
    data = as_json.render(redact.redact(sample.incident(), [kind])).decode()
    for secret in SECRETS[kind]:
        assert secret not in data
    for other in set(redact.KINDS) - {kind}:
        assert SECRETS[other][0] in data


def test_every_output_is_free_of_them() -> None:
    page = as_html.render(redact.redact(sample.incident(), redact.KINDS))
    for secrets in SECRETS.values():
        for secret in secrets:
            assert secret not in page


def test_same_value_same_pseudonym() -> None:
    told = redact.redact(sample.incident(), ["ips"])
    assert told.hosts[0].address in told.starting_points[0].display_filter
    assert told.hosts[0].address == told.findings[0].subject
    assert told == redact.redact(sample.incident(), ["ips"])


def test_addresses_keep_their_kind_and_network() -> None:
    table = Pseudonyms(["ips"])
    one, two, other = table.ip("10.1.2.3"), table.ip("10.1.2.4"), table.ip("10.9.9.9")
    assert one.rsplit(".", 1)[0] == two.rsplit(".", 1)[0] != other.rsplit(".", 1)[0]
    assert ipaddress.ip_address(table.ip("fd00::5")).version == 6
    assert not ipaddress.ip_address(table.ip("93.184.216.34")).is_global


@pytest.mark.parametrize("address", ["224.0.0.251", "255.255.255.255", "127.0.0.1", "::1", "ff02::fb", "0.0.0.0"])
def test_addresses_that_name_nobody_stay(address: str) -> None:
    assert Pseudonyms(["ips"]).ip(address) == address


def test_rule_texts_and_fixed_values_stay() -> None:
    report = sample.incident()
    host = sample.change(report.hosts[0], users=["high", "TCP"])
    told = redact.redact(sample.change(report, hosts=[host, *report.hosts[1:]]), redact.KINDS)
    assert [one.priority for one in told.findings] == [one.priority for one in report.findings]
    assert [one.question for one in told.checks] == [one.question for one in report.checks]
    assert told.capture.sha256 == report.capture.sha256


def test_ids_are_no_hashes_of_addresses_and_still_lead_to_their_findings() -> None:
    hashed = {one.id: f"{one.code}-{number:08x}" for number, one in enumerate(sample.incident().findings, start=0xBEEF)}
    report = map_text(sample.incident(), lambda text: hashed.get(text, text))
    told = redact.redact(report, ["ips"])
    kept = {finding.id for finding in told.findings}
    assert not kept & {finding.id for finding in report.findings}
    assert all(one in kept for point in told.starting_points for one in point.findings)
    assert all(one.finding in kept for one in told.indicators)


@pytest.mark.parametrize(
    ("own", "network"),
    [
        (["10.0.0.1", "10.0.0.2"], "10.0.0."),
        (["fd00::1:5", "fd00:0:0:0::9"], "fd00::"),
        (["2001:db8::5"], "2001:db8::"),
    ],
)
def test_no_pseudonym_is_an_address_of_the_capture(own: list[str], network: str) -> None:
    table = Pseudonyms(["ips"])
    table.reserve(own)
    made = [table.ip(address) for address in own]
    assert not set(made) & set(own)
    assert not any(one.startswith(network) for one in made)
    macs = Pseudonyms(["macs"])
    macs.reserve(["02:00:00:00:00:01"])
    assert macs.mac("02:00:00:00:00:01") == "02:00:00:00:00:02"


def test_groups_made_of_an_address_follow_it() -> None:
    table = Pseudonyms(["ips", "macs"])
    host = "fe80::21b:11ff:fe22:3344"
    table.reserve([host])
    assert table.ip("192.168.44.255").rsplit(".", 1) == [table.ip("192.168.44.7").rsplit(".", 1)[0], "255"]
    low = ipaddress.ip_address(table.ip(host)).packed[-3:]
    assert ipaddress.ip_address(table.ip("ff02::1:ff22:3344")).packed[-3:] == low
    assert table.mac("33:33:ff:22:33:44") == f"33:33:ff:{low.hex(':')}"
    assert table.ip("ff02::1:ff99:8877") != "ff02::1:ff99:8877"
    assert table.ip("fe80::5").startswith("fe80::")


def test_version_numbers_and_times_are_no_addresses() -> None:
    report = sample.change(sample.incident(), overview="at 09:14:07 version 1.2.3 of tool 1.2.3.4.5, 12:34")
    assert redact.redact(report, ["ips", "macs"]).overview == report.overview


def test_report_says_that_it_was_redacted() -> None:
    assert "Pseudonyms" in redact.redact(sample.incident(), ["ips"]).limits[-1]
