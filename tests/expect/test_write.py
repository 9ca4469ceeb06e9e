"""What `expect init` writes is read back, whatever the wire called its hosts."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.normal import office as o
from tshark_report.expect.check import checked
from tshark_report.expect.model import load
from tshark_report.expect.observe import Host, Seen, observed
from tshark_report.expect.write import written

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXT, place=TEXT, file=TEXT)
def test_any_text_survives(tmp_path: Path, name: str, place: str, file: str) -> None:
    host = Host("10.0.0.5", names=[name], reaches={place: Seen(1, 1, "")})
    path = tmp_path / "e.toml"
    path.write_text(written(file, [host]), encoding="utf-8", newline="")
    made = load(path).hosts[0]
    assert made.name == name
    assert made.reaches == (place,)


def test_the_capture_it_was_written_from_is_as_expected(tmp_path: Path) -> None:
    made = o.tables(o.session(0, server=o.SERVER, port=445), o.session(1, at=5), names={o.SHOP: "www.shop.example"})
    path = tmp_path / "e.toml"
    path.write_text(written("a.pcap", observed(made, o.SETTINGS).values()))
    view = checked(path, made, o.SETTINGS)
    assert (view.unexpected, view.missing, view.different) == (0, 0, 0)
    assert view.as_expected > 4


def test_it_explains_itself() -> None:
    text = written("a\nversion = 9", [])
    assert text.startswith("# Expected state")
    assert "\nversion = 9" not in text.split("\n\n")[0]
    assert "--expect" in text
