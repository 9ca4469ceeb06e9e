"""The page of trends: no script, nothing fetched, text from the wire as text, readable without the pictures."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from tests.trends.made import week
from tshark_report.errors import UsageError
from tshark_report.store.catalogue import find as catalogue
from tshark_report.trends import as_html, picture
from tshark_report.trends.found import Asked, find
from tshark_report.trends.model import Trends

HOSTILE = "<script>alert(1)</script>\u202e\"'&{{7*7}}"


@pytest.fixture(scope="module")
def trends(tmp_path_factory: pytest.TempPathFactory) -> Trends:
    out = week(
        tmp_path_factory.mktemp("w"), {443: [100, 104, 98, 101, 99, 103], 5358: [0, 0, 0, 0, 30, 400]}, sources=6
    )
    return find(catalogue(out), Asked(), "made")


class Tags(HTMLParser):
    """Every element with its attributes, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "line", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "rect", "line", "path"):
            assert self.open.pop() == tag


def test_no_script_and_nothing_fetched(trends: Trends) -> None:
    page = as_html.render(trends)
    tags = Tags(page)
    assert tags.open == []
    assert {"script", "link", "iframe", "img", "object", "form"} & {tag for tag, _ in tags.tags} == set()
    assert not any(name.startswith("on") or name in ("src", "style") for _, attrs in tags.tags for name in attrs)
    assert all((attrs.get("href") or "#").startswith("#") for _, attrs in tags.tags)
    (policy,) = [a["content"] for t, a in tags.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    identities = [attrs["id"] for _, attrs in tags.tags if "id" in attrs]
    assert len(identities) == len(set(identities))


def test_all_of_it_is_told(trends: Trends) -> None:
    page = as_html.render(trends)
    for words in (
        "TCP port 5358 (wsdapi-s)", "Hajime", "tcp.port == 5358", "tshark-report carve day6.pcap", "no answer",
        "Harmless events that would look the same", "Grew, and is not raised", "203.0.113.0:40000",
    ):  # fmt: skip
        assert words in page, words


def test_text_from_the_wire_stays_text(trends: Trends) -> None:
    grown = trends.grown[0]
    sample = msgspec.structs.replace(grown.samples[0], file_name=HOSTILE, src=HOSTILE, note=HOSTILE)
    place = msgspec.structs.replace(grown.places[0], file_name=HOSTILE, command=HOSTILE)
    hostile = msgspec.structs.replace(
        grown, key=HOSTILE, title=HOSTILE, story=HOSTILE, display_filter=HOSTILE, samples=[sample], places=[place],
        takes_part=[HOSTILE],
    )  # fmt: skip
    buckets = [msgspec.structs.replace(bucket, label=HOSTILE) for bucket in trends.buckets]
    page = as_html.render(
        msgspec.structs.replace(
            trends, source=HOSTILE, headline=HOSTILE, notes=[HOSTILE], buckets=buckets, grown=[hostile]
        )
    )
    tags = Tags(page)
    assert "script" not in {tag for tag, _ in tags.tags}
    assert "\u202e" not in page
    assert "49" not in re.sub(r"\d{3,}", "", page.split("<body>")[1].split("<svg")[0])
    assert page.count("&lt;script&gt;") >= 8


def test_nothing_grown_and_too_few(tmp_path: Path) -> None:
    page = as_html.render(find(catalogue(week(tmp_path, {443: [100]})), Asked(step="day"), "made"))
    assert "Too few days to compare" in page
    assert Tags(page).open == []


def test_templates_of_the_user_come_first(trends: Trends, tmp_path: Path) -> None:
    (tmp_path / "trends.html.j2").write_text("mine: {{ trends.headline }}")
    assert as_html.render(trends, templates=tmp_path) == f"mine: {trends.headline}"
    with pytest.raises(UsageError):
        as_html.render(trends, templates=tmp_path / "absent")


def test_pictures_say_in_words_what_they_show(trends: Trends) -> None:
    drawn = str(picture.watch(trends.grown[0], trends, "key"))
    assert "records: 0, 0, 0, 0, 30, 400" in drawn
    assert drawn.count("<rect") == 4 * 2  # four panels, two days with anything in them
    assert "2026-03-07: 400 records" in drawn
    every = str(picture.overview(trends))
    assert "100, 104, 98, 101, 129, 503" in every
    assert "TCP port 5358" in every


def test_a_thousand_buckets_are_still_a_picture(trends: Trends) -> None:
    many = 1000
    grown = trends.grown[0]
    series = msgspec.structs.replace(grown.series, records=list(range(many)), sources=[1] * many, targets=[1] * many)
    wide = msgspec.structs.replace(
        trends,
        buckets=[msgspec.structs.replace(trends.buckets[0], label=f"capture_{n:05}.pcapng") for n in range(many)],
        counted=[msgspec.structs.replace(c, records=[5000] * many) for c in trends.counted],
        grown=[msgspec.structs.replace(grown, series=series, onset=900, peak=999)],
    )
    page = as_html.render(wide)
    assert len(page) < 2_000_000
    assert "940 earlier ones are left out" in page
    assert page.count('text-anchor="middle"') <= 2 * picture.MOST_LABELS
