"""LOG004: fires at ten refused Basic logins and fifteen posts; quiet below, on a browser's 401 and on a stored password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, tables
from tests.conftest import fixture_capture
from tests.rules.access import wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.refused_web_logins import refused_web_logins


def basic(number: int, *, same: bool = False, last: int = 401) -> Any:
    made = []
    for i in range(number):
        secret = "same" if same else f"pw{i}"
        made.append(
            there(
                dst_port=80,
                method="GET",
                uri="/",
                host="i.example",
                credentials=f"admin:{secret}",
                authorization="Basic x",
            )
        )
        made.append(back(src_port=80, status=last if i == number - 1 else 401, request_frame=2 * i + 1))
    return tables(http=family("http", *made))


def test_fires_at_ten_refusals() -> None:
    found = drafts(refused_web_logins, basic(10))
    assert [d.priority for d in found] == ["high"]
    assert "pw3" not in repr(found[0])


def test_quiet_at_nine() -> None:
    assert not drafts(refused_web_logins, basic(9))


def test_quiet_on_one_stored_password() -> None:
    assert not drafts(refused_web_logins, basic(30, same=True))


def test_tells_of_the_one_that_worked() -> None:
    assert "was accepted" in drafts(refused_web_logins, basic(11, last=200))[0].summary


def posts(number: int, *, last: int = 200) -> Any:
    made = []
    for i in range(number):
        form = {"form_keys": ["user", "password"], "form_values": ["admin", f"pw{i}"]}
        made.append(there(dst_port=80, method="POST", uri="/login", host="i.example") | form)
        made.append(back(src_port=80, status=last if i == number - 1 else 200, request_frame=2 * i + 1))
    return tables(http=family("http", *made))


def test_fires_at_fifteen_posts_and_tells_of_the_answer_that_differs() -> None:
    found = drafts(refused_web_logins, posts(15, last=302))
    assert "One answer differs: 302" in found[0].summary
    assert not drafts(refused_web_logins, posts(14, last=302))


def test_hidden_credentials_that_were_refused() -> None:
    def digest(number: int) -> Any:
        made = []
        for i in range(number):
            made.append(there(dst_port=80, method="GET", uri="/", authorization=f'Digest username="a", response="{i}"'))
            made.append(back(src_port=80, status=401, request_frame=2 * i + 1))
        return tables(http=family("http", *made))

    assert drafts(refused_web_logins, digest(10))
    assert not drafts(refused_web_logins, digest(9))


def test_form_guesses_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for i in range(16):
        kind = "Content-Type: application/x-www-form-urlencoded\r\n"
        ask = wire.http_request("POST", "/login", headers=kind, body=f"username=admin&password=pw{i}")
        frames += wire.conversation(
            i, wire.OUTSIDE, wire.SERVER, (42000 + i, 80), [("c", ask), ("s", wire.http_answer(200))]
        )
    other = wire.http_request(
        "POST", "/search", headers="Content-Type: application/x-www-form-urlencoded\r\n", body="q=password"
    )
    frames += wire.conversation(
        20, wire.OUTSIDE, wire.SERVER, (43000, 80), [("c", other), ("s", wire.http_answer(200))]
    )
    path = wire.write(tmp_path / "form.pcap", frames)
    found = drafts(refused_web_logins, loaded(path).tables)
    assert len(found[0].frames) == 16
    assert wire.exact(path, found[0])


def test_addresses_with_a_password_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for i in range(70):
        ask = wire.http_request("GET", f"/brute/?username=admin&password=pw{i}&Login=Login")
        frames += wire.conversation(
            i, wire.OUTSIDE, wire.SERVER, (42000 + i, 80), [("c", ask), ("s", wire.http_answer(200))]
        )
    path = wire.write(tmp_path / "brute.pcap", frames)
    found = drafts(refused_web_logins, loaded(path).tables)
    assert len(found[0].frames) == 70
    assert wire.exact(path, found[0])


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("password_guessing")
    found = drafts(refused_web_logins, loaded(path).tables)
    assert [d.hosts for d in found] == [("10.20.0.66", "10.20.0.11")]
    assert wire.exact(path, found[0])


def test_quiet_where_hidden_credentials_are_the_same() -> None:
    made = []
    for i in range(20):
        made.append(there(dst_port=80, method="GET", uri="/", authorization="Bearer old"))
        made.append(back(src_port=80, status=401, request_frame=2 * i + 1))
    assert not drafts(refused_web_logins, tables(http=family("http", *made)))
