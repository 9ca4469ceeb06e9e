"""DNS007: slow answers; quiet on few, on fast ones and on a tunnel that holds questions back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, q, r, tell
from tshark_report.rules.names.slow_resolvers import slow_resolvers


def dns(waits: list[float], kind: int = 1, name: str = "n{}.example.com") -> Any:
    rows = []
    for n, wait in enumerate(waits):
        rows += [
            q(name.format(n), kind, id=n, time=START + n * 10),
            r(name.format(n), kind, id=n, time=START + n * 10 + wait),
        ]
    return tables(dns=family("dns", *rows))


def test_fires_at_three_answers_of_a_second() -> None:
    found = drafts(slow_resolvers, dns([1.0, 1.2, 1.5, 0.01]))
    assert [(d.subject, d.priority) for d in found] == [(wire.RESOLVER, "low")]
    assert "up to 1.5 s" in found[0].summary
    assert not drafts(slow_resolvers, dns([1.0, 1.2, 0.9, 0.01]))


def test_the_client_that_waited_most_stands_first() -> None:
    rows = []
    for n, client in enumerate(["10.0.0.7", *["10.0.0.9"] * 4]):
        rows += [q(f"n{n}.example.com", id=n, time=START + n * 10, src=client),
                 r(f"n{n}.example.com", id=n, time=START + n * 10 + 1.5, dst=client)]  # fmt: skip
    found = drafts(slow_resolvers, tables(dns=family("dns", *rows)))
    assert found[0].hosts == (wire.RESOLVER, "10.0.0.9", "10.0.0.7")


def test_medium_where_users_notice() -> None:
    assert drafts(slow_resolvers, dns([2.5] * 5 + [0.01] * 45))[0].priority == "medium"
    assert drafts(slow_resolvers, dns([2.5] * 4 + [0.01] * 30))[0].priority == "low"
    assert drafts(slow_resolvers, dns([2.5] * 5 + [0.01] * 46))[0].priority == "low"


def test_quiet_on_held_back_tunnel_questions() -> None:
    assert not drafts(slow_resolvers, dns([4.0] * 30, kind=10, name="p{}.t.example.com"))


def test_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n in range(8):
        wait = 1.5 if n % 2 else 0.02
        frames += [ask(n * 5, 10 + n, f"n{n}.example.com"), tell(n * 5 + wait, 10 + n, f"n{n}.example.com")]
    frames += [ask(50, 77, "r.example.com"), ask(52, 77, "r.example.com"), tell(52.1, 77, "r.example.com")]
    path = wire.write(tmp_path / "slow.pcap", sorted(frames, key=lambda f: f[0]))
    found = drafts(slow_resolvers, loaded(path).tables)
    assert len(found[0].frames) == 5
    assert "1 question had to be sent again" in found[0].summary
    assert wire.exact(path, found[0])
