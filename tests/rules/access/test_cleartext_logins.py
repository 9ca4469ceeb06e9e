"""LOG001: logins over every protocol; secrets masked; quiet on anonymous, encrypted and search forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, files, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.access import rows, wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.cleartext_logins import cleartext_logins


def test_names_user_and_masks_password() -> None:
    found = drafts(cleartext_logins, rows.ftp(rows.ftp_try(0, "anna", "Winter-7", 230)))
    assert [(d.priority, d.subject) for d in found] == [("medium", rows.CLIENT)]
    text = found[0].summary + found[0].sentence + repr(found[0].evidence.rows) + found[0].display_filter
    assert "anna" in text
    assert "<8 characters>" in text
    assert "Winter" not in text


def test_low_where_every_login_was_refused() -> None:
    found = drafts(cleartext_logins, rows.ftp(rows.ftp_try(0, "anna", "x", 530)))
    assert found[0].priority == "low"
    assert found[0].lowered_because


@pytest.mark.parametrize("user", ["anonymous", "Anonymous", "ftp"])
def test_quiet_on_anonymous_ftp(user: str) -> None:
    assert not drafts(cleartext_logins, rows.ftp(rows.ftp_try(0, user, "mail@office.example", 230)))


def pop(*lines: dict[str, Any]) -> Any:
    return tables(mail=family("mail", *[row | {"protocol": "POP"} for row in lines]))


def test_pop_commands_in_lower_case() -> None:
    made = pop(
        there(pop_command="user", pop_parameter="ben"),
        there(pop_command="pass", pop_parameter="hush"),
        back(pop_status="+OK"),
    )
    found = drafts(cleartext_logins, made)
    assert "POP3" in found[0].summary
    assert "accepted 1 of 1" in found[0].summary
    assert 'pop.request.command == "user"' in found[0].display_filter


def test_pop_sasl_plain_keeps_the_secret_out_of_the_filter() -> None:
    secret = "AGJlbgBodXNo"  # NUL ben NUL hush
    made = pop(
        there(pop_command="AUTH", pop_parameter="PLAIN"),
        back(pop_status="+"),
        there(pop_command=secret),
        back(pop_status="-ERR"),
    )
    found = drafts(cleartext_logins, made)
    assert "as ben" in found[0].summary
    assert secret not in repr(found[0])


def http(**columns: Any) -> Any:
    row = there(dst_port=80, method="POST", host="intranet.example", uri="/login")
    answer = back(src_port=80, status=302, request_frame=1)
    return tables(http=family("http", row | columns, answer))


def test_form_with_a_password_field() -> None:
    found = drafts(cleartext_logins, http(form_keys=["user", "user[password]"], form_values=["anna", "hush"]))
    assert "HTTP form" in found[0].summary


@pytest.mark.parametrize(
    ("keys", "values"),
    [(["query"], ["password"]), (["password"], [""]), (["compass", "bypass"], ["n", "1"])],
)
def test_quiet_on_forms_without_a_secret(keys: list[str], values: list[str]) -> None:
    assert not drafts(cleartext_logins, http(form_keys=keys, form_values=values))


def test_login_in_an_address_needs_a_name_beside_it() -> None:
    assert drafts(cleartext_logins, http(method="GET", uri="/l?username=anna&password=hush"))
    assert not drafts(cleartext_logins, http(method="GET", uri="/l?page=3&pass=2"))


def test_many_clients_of_one_server_are_one_finding() -> None:
    def clients(number: int) -> Any:
        lines = []
        for i in range(number):
            ends = {"src": f"10.0.1.{i}", "stream": i}
            lines += [there(command="USER", argument=f"u{i}") | ends, there(command="PASS", argument="x") | ends]
        return tables(ftp=family("ftp", *lines))

    assert len(drafts(cleartext_logins, clients(3))) == 3
    found = drafts(cleartext_logins, clients(4))
    assert [d.subject for d in found] == [f"FTP {rows.SERVER}:21"]


def test_telnet_characters_are_put_together() -> None:
    said = [back(src_port=23, data=["switch login: "])]
    said += [there(dst_port=23, data=[c]) for c in "netty\b\bop"]
    said += [there(dst_port=23, data=["\\r"]), back(src_port=23, data=["\\r\\n", "Password: "])]
    said += [there(dst_port=23, data=[c]) for c in "hush"]
    said += [there(dst_port=23, data=["\\r"]), back(src_port=23, data=["\\r\\n", "switch> "])]
    found = drafts(cleartext_logins, tables(telnet=family("telnet", *said)))
    assert "as netop (password <4 characters>)" in found[0].summary
    assert "hush" not in repr(found[0])


def test_ldap_and_mqtt_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    connect = b"\x10\x1e\x00\x04MQTT\x04\xc2\x00\x3c\x00\x03cid\x00\x04anna\x00\x07s3cretX"
    path = wire.write(
        tmp_path / "logins.pcap",
        [
            *wire.conversation(
                0, wire.CLIENT, wire.SERVER, (40001, 389), [("c", wire.ldap_bind("cn=app", "s3cret,pw"))]
            ),
            *wire.conversation(1, wire.CLIENT, wire.SERVER, (40002, 389), [("c", wire.ldap_bind("", ""))]),
            *wire.conversation(2, wire.CLIENT, wire.OUTSIDE, (40003, 1883), [("c", connect)]),
        ],
    )
    found = drafts(cleartext_logins, loaded(path).tables)
    assert "LDAP" in found[0].summary
    assert "MQTT" in found[0].summary
    assert "(password <9 characters>)" in found[0].summary
    assert len(found[0].frames) == 2
    assert wire.exact(path, found[0])


def test_on_this_projects_fixture(loaded: Any) -> None:
    path = fixture_capture("cleartext_logins")
    found = drafts(cleartext_logins, loaded(path).tables)
    assert [d.subject for d in found] == ["10.20.0.21"]
    for protocol in ("Telnet", "FTP", "POP3", "IMAP", "SMTP", "HTTP Basic", "HTTP form"):
        assert protocol in found[0].summary
    assert "Winter-7-stone" not in repr(found[0])
    assert "correct horse" not in repr(found[0])
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_wifi_is_named(loaded: Any) -> None:
    path = case_capture("ark_80211_http")
    found = drafts(cleartext_logins, loaded(path).tables)
    assert "802.11" in found[0].summary
    assert wire.exact(path, found[0])


def test_quiet_in_an_ordinary_hour(loaded: Any) -> None:
    assert not drafts(cleartext_logins, loaded(fixture_capture("quiet_hour")).tables)


def json_login(body: str, *, method: str = "POST", status: int = 200) -> Any:
    asked = there(dst_port=80, method=method, host="app.example", uri="/api/login", frame=1)
    answered = back(src_port=80, status=status, request_frame=1, frame=2)
    sent = files({"frame": 1, "protocol": "http", "source": rows.CLIENT, "head": body.encode()})
    return tables(http=family("http", asked, answered), files=sent)


def test_json_login_names_the_user_and_masks_the_password() -> None:
    found = drafts(cleartext_logins, json_login('{"user": "ann", "password": "s3cr\\u0065t"}'))
    assert [(d.priority, d.subject) for d in found] == [("medium", rows.CLIENT)]
    assert "HTTP JSON to app.example (10.0.0.80) port 80 as ann (password <6 characters>)" in found[0].summary
    assert "s3cr" not in str(found[0])
    nested = '{"query": "mutation", "variables": {"input": {"email": "ann@app.example", "pass": "12345678"}}}'
    assert "as ann@app.example (password <8 characters>)" in drafts(cleartext_logins, json_login(nested))[0].summary
    assert drafts(cleartext_logins, json_login('{"user":"a","password":"b"}', status=401))[0].priority == "low"


@pytest.mark.parametrize(
    "body", ['{"tests": 9, "pass": "8"}', '{"password": ""}', '{"user": "ann"}', "password=x", '{"password": null}', ""]
)
def test_quiet_on_json_without_a_secret(body: str) -> None:
    assert not drafts(cleartext_logins, json_login(body))


def test_quiet_on_json_that_a_server_sends() -> None:
    assert not drafts(cleartext_logins, json_login('{"user":"a","password":"b"}', method="GET"))


def test_json_login_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    body, kind = '{"username":"ann","password":"hunter22"}', "Content-Type: application/json\r\n"
    ask = wire.http_request("POST", "/api/login", headers=kind, body=body)
    other = wire.http_request("POST", "/api/items", headers=kind, body='{"name":"ann","count":"2"}')
    said = [("c", ask), ("s", wire.http_answer(200)), ("c", other), ("s", wire.http_answer(200))]
    path = wire.write(tmp_path / "json.pcap", wire.conversation(0, wire.CLIENT, wire.SERVER, (46000, 80), said))
    found = drafts(cleartext_logins, loaded(path).tables)
    assert [len(d.frames) for d in found] == [1]
    assert "HTTP JSON" in found[0].title
    assert "as ann (password <8 characters>)" in found[0].summary
    assert wire.exact(path, found[0])
