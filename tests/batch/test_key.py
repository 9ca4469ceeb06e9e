"""What names a piece of work changes with whatever changes the report, and with nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.batch.made import job
from tshark_report.batch import key
from tshark_report.batch.records import Given
from tshark_report.capture.dissect import Options
from tshark_report.focus.asked import Asked
from tshark_report.report.model import Ticket
from tshark_report.settings import loads


@pytest.mark.parametrize(
    "change",
    [
        {"tool_version": "9"},
        {"tshark_version": "4.4.0"},
        {"formats": ("html",)},
        {"options": Options(display_filter="dns")},
        {"options": Options(decode_as=("tcp.port==1,http",))},
        {"options": Options(preferences=("tcp.check_checksum:TRUE",))},
        {"settings": loads('home_networks = ["192.0.2.0/24"]', "s.toml")},
        {"ticket": Ticket(ticket="INC-1")},
        {"paper": "Letter"},
        {"flavour": "jira"},
        {"tables": True},
        {"files": (Given("keylog", "k", b"CLIENT_RANDOM 1 2"),)},
        {"files": (Given("ioc", "k", b"CLIENT_RANDOM 1 2"),)},
        {"focus": Asked(values=("203.0.113.9",))},
    ],
)
def test_whatever_changes_a_report_changes_the_key(change: dict[str, object]) -> None:
    assert job(**change).key != job().key  # type: ignore[arg-type]


def test_what_changes_no_report_changes_no_key() -> None:
    assert job(tshark="/opt/tshark", timeout=7.0).key == job().key


def test_templates_count_by_their_content(tmp_path: Path) -> None:
    page = tmp_path / "brand.css"
    page.write_text("a")
    first = job(templates=tmp_path).key
    page.write_text("b")
    assert job(templates=tmp_path).key != first
    page.write_text("a")
    assert job(templates=tmp_path).key == first


def test_content_and_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abcdef")
    assert key.content(path) == hashlib.sha256(b"abcdef").hexdigest()
    assert key.prefix(path, 3) == hashlib.sha256(b"abc").hexdigest()
    assert key.prefix(path, 99) == key.content(path)


def test_the_order_of_joined_files_matters() -> None:
    assert key.joined(["a", "b"]) != key.joined(["b", "a"])
    assert key.joined(["a"]) != "a"


@given(st.text(min_size=0, max_size=300))
def test_a_folder_name_is_plain_and_gives_its_id_back(path: str) -> None:
    identity = key.of_path(path)
    name = key.folder(path, identity)
    assert key.identity(name) == identity or name == identity
    assert "/" not in name
    assert name.isascii()
    assert not name.startswith((".", "-"))
    assert len(name) < 130


def test_a_folder_name_says_what_one_recognises() -> None:
    assert key.folder("/data/case7/capture.pcapng.gz", "0" * 16) == "case7-capture-" + "0" * 16
