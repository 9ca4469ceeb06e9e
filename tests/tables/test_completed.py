"""Tables that are completed keep what was derived from the packets, and only that."""

from __future__ import annotations

from tests import builders
from tshark_report.tables.tables import DERIVED


def test_what_was_derived_is_kept_and_what_is_new_is_taken() -> None:
    first = builders.tables(
        packets=builders.packets({"payload": 10}, {"payload": 10, "seq": 11}),
        certificates=builders.family("certificates", {"der": "30"}),
    )
    first.derive()
    assert set(DERIVED) <= set(vars(first))
    certificates = builders.family("certificates", {"der": "3082"})
    files = builders.files({"name": "a.exe"})
    whole = first.completed(certificates=certificates, files=files, not_made={"openings": "no framing"})
    for name in DERIVED:
        assert getattr(whole, name) is getattr(first, name), name
    assert whole.families["certificates"]["der"].to_list() == ["3082"]
    assert whole.files["name"].to_list() == ["a.exe"]
    assert whole.not_made == {"openings": "no framing"}
    assert first.files.is_empty()


def test_certificates_stay_where_none_were_put_together() -> None:
    first = builders.tables(packets=builders.packets({}), certificates=builders.family("certificates", {"der": "30"}))
    assert first.completed(certificates=None).families["certificates"]["der"].to_list() == ["30"]
    # What comes from certificates is not among what is kept.
    assert "certificates" not in DERIVED
