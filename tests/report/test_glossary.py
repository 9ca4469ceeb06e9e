"""The glossary holds what the report uses."""

from __future__ import annotations

from tshark_report.report import glossary


def test_terms_that_occur_are_explained_in_order() -> None:
    found = [
        term
        for term, _ in glossary.used_in("Two retransmissions, a zero window, and DNS. The word arp is lower case here.")
    ]
    assert found == ["DNS", "retransmission", "zero window"]


def test_explanations_are_sentences() -> None:
    for term, words in glossary.TERMS.items():
        assert words.endswith("."), term
        assert len(words) < 130, term
