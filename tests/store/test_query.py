"""SQL over the tables: one SELECT, nothing written, nothing read but the tables; and the queries that ship."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from tests.store.folders import folder
from tshark_report.errors import UsageError
from tshark_report.store.catalogue import Catalogue, find
from tshark_report.store.query import answered, chosen, named
from tshark_report.store.schema import TABLES

pytest.importorskip("duckdb", reason="DuckDB is an extra")

NOON = 1_772_452_800.0  # 2026-03-02 12:00:00 UTC
A, B, WEB, SCANNER = "10.0.0.1", "10.0.0.2", "198.51.100.7", "203.0.113.5"


def packet(frame: int, src: str, dst: str, length: int, at: float = NOON) -> dict[str, object]:
    return {"frame": frame, "time": at + frame, "length": length, "src": src, "dst": dst, "protocol": "TCP"}


def session(client: str, server: str, port: int, **more: object) -> dict[str, object]:
    base = {
        "client": client, "server": server, "server_port": port, "protocol": "TCP", "start": NOON, "end": NOON + 5,
        "bytes": 100, "client_payload": 10, "server_payload": 90, "unanswered": False, "refused": False,
        "established": True,
    }  # fmt: skip
    return base | more


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two captures; the folder above has a name that is a partition column elsewhere, and a quote in it."""
    top = tmp_path_factory.mktemp("q") / "time=5 it's"
    folder(
        top / "tables/capture=one",
        "one.pcap",
        packets=[packet(1, A, WEB, 100), packet(2, WEB, A, 1400), packet(3, A, B, 60)],
        tcp_sessions=[
            session(A, WEB, 443, client_payload=9000, rtt_server=0.2),
            session(A, B, 22, rtt_server=0.001),
            *(
                session(SCANNER, f"10.0.1.{n}", 5358, established=False, unanswered=n % 2 == 0, refused=n % 2 == 1)
                for n in range(12)
            ),
        ],
        dns=[
            {"frame": 4, "time": NOON, "src": A, "dst": B, "name": "Shop.Example", "response": False, "protocol": "DNS"},
            {"frame": 5, "time": NOON, "src": B, "dst": A, "name": "shop.example", "response": True, "protocol": "DNS",
             "rcode": 3, "answer_seconds": 0.5},
        ],
        tls=[{"frame": 6, "time": NOON, "src": A, "server_name": "shop.example"}],
        http=[{"frame": 7, "time": NOON, "src": A, "user_agent": "Odd/1", "host": "h.example", "protocol": "HTTP"}],
        files=[{"name": "a.exe", "sha256": "aa", "bytes": 5, "source": WEB, "destination": A, "time": NOON}],
        certificates=[
            {"common_name": "self", "issuer_name": "self", "self_signed": True, "src": WEB, "time": NOON,
             "not_before": NOON - 9, "not_after": NOON - 1, "serial": "1"}
        ],
        names=[{"address": WEB, "name": "shop.example"}],
        findings=[
            {"id": "X1", "code": "TCP003", "title": "t", "priority": "high", "subject": "s", "summary": "m"},
            {"id": "X2", "code": "DNS001", "title": "u", "priority": "low", "subject": "s", "summary": "n"},
        ],
    )  # fmt: skip
    folder(
        top / "tables/capture=two",
        "two.pcap",
        packets=[packet(1, B, A, 500, NOON + 86400)],
        udp_flows=[{"client": A, "server": B, "server_port": 53, "protocol": "DNS", "start": NOON, "end": NOON,
                    "bytes": 7, "server_packets": 0, "client_payload": 1, "server_payload": 0}],
        files=[{"name": "b.exe", "sha256": "aa", "bytes": 5, "source": WEB, "destination": B, "time": NOON}],
    )  # fmt: skip
    return top


@pytest.fixture(scope="module")
def catalogue(out: Path) -> Catalogue:
    return find(out)


def ask(catalogue: Catalogue, sql: str, value: str | None = None) -> list[dict[str, Any]]:
    with answered(catalogue, sql, value) as answer:
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def ask_named(catalogue: Catalogue, name: str, value: str | None = None) -> list[dict[str, Any]]:
    return ask(catalogue, chosen(name, value), value)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_a_view_with_the_capture_in_front(catalogue: Catalogue, table: str) -> None:
    with answered(catalogue, f'select * from "{table}"') as answer:
        assert answer.columns == ["capture", *TABLES[table]]
        assert sum(1 for _ in answer.rows) == sum(each.rows(table) for each in catalogue.captures)


def test_capture_names_the_folder_and_not_what_stands_above(catalogue: Catalogue) -> None:
    rows = ask(catalogue, "select capture, min(time) as time from packets group by all order by capture")
    assert rows == [{"capture": "one", "time": NOON + 1}, {"capture": "two", "time": NOON + 86401}]


def test_one_folder_of_tables(out: Path) -> None:
    alone = find(out / "tables/capture=one")
    assert ask(alone, "select distinct capture from packets") == [{"capture": "capture=one"}]


def test_more_rows_than_are_fetched_at_once(catalogue: Catalogue) -> None:
    rows = ask(catalogue, "select range as n from range(12345) order by n desc")
    assert [row["n"] for row in rows] == list(range(12344, -1, -1))


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{out}/tables/new.csv'",
        "with x as (copy (select 1) to '{out}/tables/new.csv') select * from x",
        "explain analyze copy (select 1) to '{out}/tables/new.csv'",
        "export database '{out}/tables/new'",
        "attach '{out}/tables/new.db'",
        "create table t as select 1",
        "drop view packets",
        "select 1; select 2",
        "select * from read_text('/etc/hostname')",
        "select * from read_csv('{out}/../secret.csv')",
        "select * from '{out}/../secret.csv'",
        "select * from glob('/etc/*')",
        "select * from read_parquet('https://192.0.2.1/x.parquet')",
        "install httpfs",
        "load httpfs",
        "set enable_external_access=true",
        "pragma database_list",
        "call pragma_version()",
        "select * from query('copy (select 1) to ''{out}/tables/new.csv''')",
        "",
        "select nothing from packets",
        "select * from nothing",
        "selec",
    ],
)
def test_refused_and_nothing_written(catalogue: Catalogue, out: Path, sql: str) -> None:
    secret = out.parent / "secret.csv"
    secret.write_text("a\n1\n")
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    with pytest.raises(UsageError) as caught:
        ask(catalogue, sql.format(out=str(out).replace("'", "''")))
    assert caught.value.detail
    assert caught.value.next_step
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before


def test_a_damaged_table_is_told(tmp_path: Path) -> None:
    made = folder(tmp_path / "capture=x", packets=[packet(1, A, B, 60)])
    path = made / "packets.parquet"
    path.write_bytes(b"0" * path.stat().st_size)
    with pytest.raises(UsageError, match="refused"):
        ask(find(tmp_path), "select * from packets")


def test_without_duckdb(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **more: Any) -> Any:
        if name == "duckdb":
            raise ImportError("No module named 'duckdb'")
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UsageError) as caught:
        ask(catalogue, "select 1")
    assert "tshark-report[query]" in caught.value.next_step


def test_there_are_ten_queries_and_all_run(catalogue: Catalogue) -> None:
    assert len(named()) >= 10
    for query in named().values():
        assert query.question.endswith(("?", ".")), query.name
        value = A if query.needs else None
        assert ask_named(catalogue, query.name, value), query.name


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("talker", None, "no query of this name"),
        ("host", None, "needs an address"),
        ("talkers", "10.0.0.1", "takes no value"),
        ("select 1", "10.0.0.1", "only named queries"),
        ("", None, "no query of this name"),
    ],
)
def test_asked_wrongly(text: str, value: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        chosen(text, value)


def test_captures_worst_first(catalogue: Catalogue) -> None:
    rows = ask_named(catalogue, "captures")
    assert [(r["capture"], r["findings"], r["worst"]) for r in rows] == [("one", 2, "high"), ("two", 0, None)]
    assert str(rows[0]["start"]) == "2026-03-02 12:00:01"


def test_findings_worst_first(catalogue: Catalogue) -> None:
    assert [r["code"] for r in ask_named(catalogue, "findings")] == ["TCP003", "DNS001"]


def test_talkers_add_both_directions(catalogue: Catalogue) -> None:
    rows = ask_named(catalogue, "talkers")
    assert (rows[0]["a"], rows[0]["b"], rows[0]["bytes"], rows[0]["bytes_ab"], rows[0]["captures"]) == (
        A, WEB, 1500, 100, 1,
    )  # fmt: skip
    assert (rows[1]["b"], rows[1]["packets"], rows[1]["captures"]) == (B, 2, 2)


def test_ports_say_whether_they_answered(catalogue: Catalogue) -> None:
    rows = {(r["transport"], r["port"]): r for r in ask_named(catalogue, "ports")}
    probed = rows["tcp", 5358]
    assert [probed[k] for k in ("conversations", "clients", "servers", "unanswered", "refused")] == [12, 1, 12, 6, 6]
    assert rows["udp", 53]["unanswered"] == 1


def test_uploads_are_those_that_sent_more(catalogue: Catalogue) -> None:
    rows = ask_named(catalogue, "uploads")
    assert [(r["server"], r["port"], r["bytes_sent"], r["name"]) for r in rows] == [
        (WEB, 443, 9000, "shop.example"), (B, 53, 1, None),
    ]  # fmt: skip


def test_names_of_questions_not_answers(catalogue: Catalogue) -> None:
    rows = {r["name"]: r for r in ask_named(catalogue, "names")}
    assert (rows["shop.example"]["times"], rows["shop.example"]["how"]) == (2, ["dns", "tls"])


def test_unanswered_names(catalogue: Catalogue) -> None:
    assert [(r["name"], r["asked_by"], r["meaning"]) for r in ask_named(catalogue, "unanswered-names")] == [
        ("shop.example", A, "no such name")
    ]


def test_files_and_shared_over_captures(catalogue: Catalogue) -> None:
    (row,) = ask_named(catalogue, "files")
    assert (row["names"], row["captures"], row["destinations"]) == (["a.exe", "b.exe"], 2, [A, B])
    shared = {(r["kind"], r["value"]) for r in ask_named(catalogue, "shared")}
    assert shared == {("host", A), ("host", B), ("file", "aa")}


def test_certificates_out_of_date_at_their_time(catalogue: Catalogue) -> None:
    (row,) = ask_named(catalogue, "certificates")
    assert (row["self_signed"], row["out_of_date"], row["servers"]) == (True, 1, [WEB])


def test_scans_only_who_got_no_answer(catalogue: Catalogue) -> None:
    (row,) = ask_named(catalogue, "scans")
    assert (row["source"], row["targets"], row["attempts"], row["most_used_port"]) == (SCANNER, 12, 12, 5358)


def test_slow_servers_first(catalogue: Catalogue) -> None:
    rows = ask_named(catalogue, "slow")
    assert [(r["server"], r["handshake_s"], r["dns_answer_s"]) for r in rows[:2]] == [
        (B, 0.001, 0.5), (WEB, 0.2, None),
    ]  # fmt: skip


def test_host_both_ways_and_a_value_is_no_sql(catalogue: Catalogue) -> None:
    rows = ask_named(catalogue, "host", A)
    assert {(r["direction"], r["peer"], r["port"]) for r in rows} == {("to", WEB, 443), ("to", B, 22), ("to", B, 53)}
    assert {r["direction"] for r in ask_named(catalogue, "host", B)} == {"from"}
    assert ask_named(catalogue, "host", "x' or 1=1 --") == []
