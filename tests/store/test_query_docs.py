"""docs/query.md names every query that ships, with its question."""

from __future__ import annotations

from tests.conftest import TOP
from tshark_report.store.query import named


def test_every_query_stands_in_the_docs() -> None:
    text = (TOP / "docs/query.md").read_text()
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert listed == list(named())
    for query in named().values():
        assert query.question in text
