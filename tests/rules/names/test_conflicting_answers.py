"""DNS006: two answers to one question, strangers' answers, guessed ids; quiet on repeats, copies and turns."""

from __future__ import annotations

from pathlib import Path

from tests.builders import drafts, family, packets, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.conflicting_answers import conflicting_answers

NAME = "www.bank.example.com"


def test_fires_on_one_question_with_two_answers(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    path = wire.write(
        tmp_path / "spoof.pcap",
        [
            ask(0.0, 7, NAME),
            tell(0.01, 7, NAME, [wire.a(NAME, "192.168.1.66")], ttl=64),
            tell(0.05, 7, NAME, [wire.a(NAME, "203.0.113.80")], ttl=53),
            ask(5.0, 8, NAME),
            tell(5.1, 8, NAME, [wire.a(NAME, "203.0.113.80")]),
        ],
    )
    found = drafts(conflicting_answers, loaded(path).tables)
    assert [(d.priority, d.hosts[0]) for d in found] == [("high", wire.CLIENT)]
    assert "192.168.1.66 against 203.0.113.80" in found[0].summary
    assert list(found[0].frames) == [2, 3]
    assert wire.exact(path, found[0])


def dns(*rows):  # noqa: ANN002, ANN201
    return tables(dns=family("dns", *rows), packets=packets(*[{} for _ in rows]))


def test_medium_where_both_came_with_the_same_ttl() -> None:
    found = drafts(
        conflicting_answers, dns(q(NAME), r(NAME, addresses=["192.0.2.1"]), r(NAME, addresses=["192.0.2.2"]))
    )
    assert found[0].priority == "medium"


def test_a_false_no_such_name_counts() -> None:
    assert drafts(conflicting_answers, dns(q(NAME), r(NAME, rcode=3), r(NAME, addresses=["192.0.2.2"])))


def test_quiet_on_copies_of_the_same_answer() -> None:
    assert not drafts(
        conflicting_answers, dns(q(NAME), r(NAME, addresses=["192.0.2.1"]), r(NAME, addresses=["192.0.2.1"]))
    )


def test_quiet_where_the_question_was_repeated() -> None:
    rows = (q(NAME), q(NAME), r(NAME, addresses=["192.0.2.1"]), r(NAME, addresses=["192.0.2.2"]))
    assert not drafts(conflicting_answers, dns(*rows))


def test_quiet_on_turns_of_one_set() -> None:
    rows = (q(NAME), r(NAME, addresses=["192.0.2.1", "192.0.2.2"]), r(NAME, addresses=["192.0.2.2", "192.0.2.1"]))
    assert not drafts(conflicting_answers, dns(*rows))


def test_quiet_where_two_servers_were_asked() -> None:
    other = {"dst": wire.OTHER}
    rows = (
        q(NAME),
        q(NAME, **other),
        r(NAME, addresses=["192.0.2.1"]),
        r(NAME, addresses=["192.0.2.2"], src=wire.OTHER),
    )
    assert not drafts(conflicting_answers, dns(*rows))


def test_answers_of_a_stranger(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n in range(2):
        frames += [
            ask(n, n, NAME),
            tell(n + 0.01, n, NAME, [wire.a(NAME, "192.168.1.66")], server="10.0.0.66"),
            tell(n + 0.02, n, NAME, [wire.a(NAME, "203.0.113.80")]),
        ]
    path = wire.write(tmp_path / "stranger.pcap", frames)
    found = drafts(conflicting_answers, loaded(path).tables)
    assert [(d.priority, d.hosts[0]) for d in found] == [("medium", "10.0.0.66")]
    assert wire.exact(path, found[0])
    assert not drafts(conflicting_answers, loaded(wire.write(tmp_path / "one.pcap", frames[:3])).tables)


def test_many_guessed_ids(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    guesses = [tell(0.1 + n / 1000, 1000 + n, NAME, [wire.a(NAME, "192.0.2.66")]) for n in range(50)]
    path = wire.write(tmp_path / "guess.pcap", [ask(0, 7, NAME), *guesses])
    found = drafts(conflicting_answers, loaded(path).tables)
    assert [d.priority for d in found] == ["high"]
    assert "50 different ids" in found[0].summary
    assert wire.exact(path, found[0])
    below = wire.write(tmp_path / "below.pcap", [ask(0, 7, NAME), *guesses[:49]])
    assert not drafts(conflicting_answers, loaded(below).tables)


def test_quiet_on_a_capture_of_answers_only() -> None:
    rows = [r(f"n{n}.example.com", addresses=["192.0.2.1"], id=n) for n in range(200)]
    assert not drafts(conflicting_answers, dns(*rows))
