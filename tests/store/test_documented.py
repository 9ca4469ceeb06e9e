"""Every stored table and column is explained, and docs/tables.md says just that."""

from __future__ import annotations

import pytest

from tests.conftest import TOP
from tshark_report.store import documented
from tshark_report.store.schema import DERIVED, READ, TABLES


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_words(table: str) -> None:
    assert documented.about(table).endswith(".")
    columns = documented.described(table)
    assert [c.name for c in columns] == list(TABLES[table])
    assert all(c.text and c.type for c in columns)


def test_no_words_about_what_is_not_there() -> None:
    texts = documented._texts()
    assert set(texts) - {"common"} == set(TABLES)
    assert {f"{t}.{c}" for t in TABLES for c in set(texts[t]) - {"about"} - set(TABLES[t])} == set()
    assert set(READ) & set(DERIVED) == set()


def test_a_column_without_words_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: dict(each) for name, each in documented._texts().items()}
    del texts["packets"]["ttl"]
    monkeypatch.setattr(documented, "_texts", lambda: texts)
    with pytest.raises(KeyError, match="packets.ttl"):
        documented.described("packets")


def test_the_page_is_fresh() -> None:
    path = TOP / "docs/tables.md"
    assert documented.page(path.read_text()) == path.read_text(), "run `make docs`"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        documented.page("# Tables")
