"""Events in a sentence or two."""

from __future__ import annotations

from tests.builders import OUTSIDE
from tshark_report.focus.carried import Event
from tshark_report.focus.carried_words import LONGEST_NAME, told


def test_the_most_telling_files_come_first() -> None:
    page = Event(1.0, 1, "fetched", "file index.html", OUTSIDE, 9000, "HTML (http)", "", 3)
    program = Event(2.0, 2, "fetched", "file a.exe", OUTSIDE, 100, "Windows executable (PE) (http)", "", 3)
    assert told([page, program]).startswith("It fetched file a.exe (100 bytes), Windows executable; file index.html")


def test_a_request_is_not_told_beside_its_file() -> None:
    asked = Event(1.0, 1, "asked", "GET h/x.zip", OUTSIDE, weight=1)
    file = Event(2.0, 2, "fetched", "file x.zip", OUTSIDE, 10, "ZIP archive (http)", "", 3)
    assert "It asked for" not in told([asked, file])
    assert told([asked]) == "It asked for GET h/x.zip."


def test_long_names_are_told_by_their_length() -> None:
    name = "x" * (LONGEST_NAME + 1) + ".example"
    assert (
        told([Event(1.0, 1, "asked", f"DNS {name}", OUTSIDE)])
        == f"It asked for a name of {len(name)} characters by DNS."
    )


def test_certificates_and_tls() -> None:
    opened = Event(1.0, 1, "opened", "TLS without a server name", OUTSIDE, times=3)
    shown = Event(2.0, 2, "was shown", "certificate Own, signed by itself", OUTSIDE)
    assert told([opened, shown]) == (
        "It opened TLS without a server name (3 times). It was shown the certificate Own, signed by itself."
    )
