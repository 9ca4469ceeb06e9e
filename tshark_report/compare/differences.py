"""Where the same exchange differs: each measure that both captures have, held side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from tshark_report.compare.measures import Asked, Measures, Name
from tshark_report.compare.model import Area, Difference
from tshark_report.compare.pairs import Pair
from tshark_report.rules import filters
from tshark_report.story.words import count, listed, size, took

TIMES_SLOWER, SECONDS_SLOWER = 2.0, 0.02
"""A time differs where it is twice as long and 20 ms longer."""
TIMES_LARGER, BYTES_LARGER = 2.0, 2_000
"""An amount differs where it is twice as large and 2 kB larger."""
LOST_SHARE, LOST_LEAST = 0.002, 3
"""Packets sent again differ where at least 3 were, and the shares of all packets are 0.2 percentage points apart."""


@dataclass(frozen=True)
class Aspect:
    """A measure: where it sits, its name, how it is written, and whether two values differ."""

    area: Area
    words: str
    field: str
    write: Callable[[Any], str]
    differ: Callable[[Any, Any], bool]
    telling: bool = False
    """Whether more of it makes an exchange fail or slow."""


def slower(a: Any, b: Any) -> bool:
    """Two times that differ by a factor and by more than chance."""
    low, high = sorted((float(a), float(b)))
    return high > low * TIMES_SLOWER and high - low > SECONDS_SLOWER


def larger(a: Any, b: Any) -> bool:
    """Two amounts that differ by a factor and by more than a header."""
    low, high = sorted((float(a), float(b)))
    return high > low * TIMES_LARGER and high - low > BYTES_LARGER


def unequal(a: Any, b: Any) -> bool:
    """Two values that are not the same."""
    return bool(a != b)


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _rate(value: Any) -> str:
    return f"{size(float(value))}/s"


ASPECTS: tuple[Aspect, ...] = (
    Aspect("path", "round trip of the handshake", "rtt", took, slower, telling=True),
    Aspect("server", "server's time for an answer, median", "think", took, slower, telling=True),
    Aspect("server", "server's time for an answer, longest", "think_max", took, slower),
    Aspect("application", "client's pause before a question", "client_think", took, slower),
    Aspect("volume", "length of a question", "request_bytes", size, larger),
    Aspect("volume", "length of an answer", "answer_bytes", size, larger),
    Aspect("volume", "sent in a session", "up", size, larger),
    Aspect("volume", "received in a session", "down", size, larger),
    Aspect("volume", "length of a session", "seconds", took, slower),
    Aspect("wire", "speed of long answers", "rate", _rate, lambda a, b: max(a, b) > 2 * min(a, b)),
    Aspect("path", "TTL of the server's packets", "ttl_server", _plain, unequal),
    Aspect("path", "TTL of the client's packets", "ttl_client", _plain, unequal),
    Aspect("path", "MSS of the client", "mss_client", _plain, unequal),
    Aspect("path", "MSS of the server", "mss_server", _plain, unequal),
    Aspect("receiver", "window scale of the client", "scale_client", _plain, unequal),
    Aspect("receiver", "window scale of the server", "scale_server", _plain, unequal),
    Aspect("receiver", "window of the client, median", "window_client", size, larger),
    Aspect("receiver", "window of the server, median", "window_server", size, larger),
    Aspect("encryption", "TLS version", "tls_version", _plain, unequal),
    Aspect("encryption", "cipher suite", "cipher", _plain, unequal),
    Aspect("encryption", "issuer of the certificate", "issuer", _plain, unequal),
)


OF_THE_CLIENT = ("ttl_client", "mss_client", "scale_client", "window_client", "client_think")
"""Measures that are compared only where the same client is in both captures."""


def differences(pair: Pair) -> Iterator[Difference]:
    """All differences of an exchange: connections, TLS handshakes, the wire, and then each of ASPECTS in its order."""
    good, bad = pair.good, pair.bad

    def made(area: Area, aspect: str, a: str, b: str, *values: Any, telling: bool = False) -> Difference:
        return Difference(
            exchange=pair.name, area=area, aspect=aspect, good=a, bad=b,
            good_value=values[0] if values else None, bad_value=values[1] if values else None, telling=telling,
            good_frame=good.frame, bad_frame=bad.frame, good_filter=good.display_filter, bad_filter=bad.display_filter,
        )  # fmt: skip

    for field, words in (("refused", "refused connections"), ("unanswered", "connections without an answer")):
        a, b = getattr(good, field), getattr(bad, field)
        if _share(a, good) != _share(b, bad):
            yield made(
                "connection", words, _of(a, good.sessions, "session"), _of(b, bad.sessions, "session"), a, b,
                telling=b > a,
            )  # fmt: skip
    if good.syn_again != bad.syn_again:
        yield made("connection", "SYNs sent again", f"{good.syn_again:,}", f"{bad.syn_again:,}", good.syn_again,
                   bad.syn_again, telling=bad.syn_again > good.syn_again)  # fmt: skip
    if bool(good.hellos and not good.server_hellos) != bool(bad.hellos and not bad.server_hellos):
        yield made("encryption", "TLS handshakes that the server answered",
                   _of(good.server_hellos, good.hellos, "handshake"),
                   _of(bad.server_hellos, bad.hellos, "handshake"), good.server_hellos, bad.server_hellos,
                   telling=good.server_hellos > bad.server_hellos)  # fmt: skip
    if set(good.alerts) != set(bad.alerts):
        yield made("encryption", "TLS alerts", listed(sorted(set(good.alerts))) or "none",
                   listed(sorted(set(bad.alerts))) or "none", len(good.alerts), len(bad.alerts),
                   telling=len(bad.alerts) > len(good.alerts))  # fmt: skip
    yield from _wire(good, bad, made)
    for aspect in ASPECTS:
        a, b = getattr(good, aspect.field), getattr(bad, aspect.field)
        if a in (None, "") or b in (None, "") or not aspect.differ(a, b):
            continue
        # Other clients send as they do, whatever the network does.
        if aspect.field in OF_THE_CLIENT and not set(good.clients) & set(bad.clients):
            continue
        worse = aspect.telling and b > a
        yield made(aspect.area, aspect.words, aspect.write(a), aspect.write(b), a, b, telling=worse)


def _wire(good: Measures, bad: Measures, made: Callable[..., Difference]) -> Iterator[Difference]:
    lost_a, lost_b = (m.resent / m.packets if m.packets else 0.0 for m in (good, bad))
    if abs(lost_a - lost_b) > LOST_SHARE and max(good.resent, bad.resent) >= LOST_LEAST:
        yield made("wire", "packets sent again", _of(good.resent, good.packets, "packet"),
                   _of(bad.resent, bad.packets, "packet"), good.resent, bad.resent,
                   telling=lost_b > lost_a)  # fmt: skip
    for field, words, area in (
        ("duplicate_acks", "duplicate ACKs", "wire"), ("reordered", "packets that were overtaken", "wire"),
        ("zero_windows", "zero windows", "receiver"), ("resets", "sessions that ended with a reset", "connection"),
    ):  # fmt: skip
        a, b = getattr(good, field), getattr(bad, field)
        least = LOST_LEAST if area == "wire" else 1
        if a != b and max(a, b) >= least and (a == 0 or b == 0 or max(a, b) >= 2 * min(a, b)):
            yield made(area, words, f"{a:,}", f"{b:,}", a, b, telling=field == "zero_windows" and b > a)


def _share(number: int, one: Measures) -> float:
    return number / one.sessions if one.sessions else 0.0


def _of(number: int, whole: int, noun: str) -> str:
    return f"{number:,} of {count(whole, noun)}"


def name_differences(good: Mapping[str, Name], bad: Mapping[str, Name]) -> Iterator[Difference]:
    """Names that both captures asked for and that were resolved otherwise."""
    for name in bad:
        if name not in good:
            continue
        a, b = good[name], bad[name]

        def made(aspect: str, one: str, other: str, *, telling: bool = False, a: Name = a, b: Name = b) -> Difference:
            select = filters.equals("dns.qry.name", a.name)
            return Difference(
                exchange=f"name {a.name}", area="resolution", aspect=aspect, good=one, bad=other, telling=telling,
                good_frame=a.frame, bad_frame=b.failure_frame or b.frame, good_filter=select, bad_filter=select,
            )  # fmt: skip

        if a.resolved != b.resolved:
            yield made("addresses", _resolved(a), _resolved(b), telling=a.resolved)
        elif a.resolved and not set(a.addresses) & set(b.addresses):
            yield made("addresses", listed(a.addresses, 3), listed(b.addresses, 3))
        if a.seconds is not None and b.seconds is not None and slower(a.seconds, b.seconds):
            yield made("time for an answer", took(a.seconds), took(b.seconds), telling=b.seconds > a.seconds)
        if a.ttl is not None and b.ttl is not None and max(a.ttl, b.ttl) > 10 * max(min(a.ttl, b.ttl), 1):
            yield made("TTL", f"{a.ttl:,} s", f"{b.ttl:,} s")


def _resolved(one: Name) -> str:
    if one.resolved:
        return listed(one.addresses, 3)
    if one.failures:
        return listed([f"{words} ({number:,} times)" for words, number in one.failures.items()], 2)
    return "no answer" if not one.answers else "no address"


def request_differences(good: Mapping[str, Asked], bad: Mapping[str, Asked]) -> Iterator[Difference]:
    """HTTP requests that both captures hold and that were answered otherwise."""
    for what in bad:
        if what not in good:
            continue
        a, b = good[what], bad[what]

        def made(area: Area, aspect: str, one: str, other: str, *, telling: bool = False, a: Asked = a, b: Asked = b) -> Difference:  # fmt: skip  # noqa: E501
            return Difference(
                exchange=f"request {a.what}",
                area=area,
                aspect=aspect,
                good=one,
                bad=other,
                telling=telling,
                good_frame=a.answer_frame or a.frame,
                bad_frame=b.error_frame or b.answer_frame or b.frame,
            )

        if set(a.statuses) != set(b.statuses):
            worse = _errors(b) > _errors(a)
            yield made("application", "status", _statuses(a), _statuses(b), telling=worse)
        if (a.unanswered == 0) != (b.unanswered == 0):
            yield made("application", "requests without an answer", _of(a.unanswered, a.number, "request"),
                       _of(b.unanswered, b.number, "request"), telling=b.unanswered > a.unanswered)  # fmt: skip
        if a.bytes and b.bytes and larger(median(a.bytes), median(b.bytes)):
            yield made("volume", "length of the answer", size(median(a.bytes)), size(median(b.bytes)))
        if a.seconds and b.seconds and slower(median(a.seconds), median(b.seconds)):
            yield made("server", "time to the answer", took(median(a.seconds)), took(median(b.seconds)))


def _errors(one: Asked) -> float:
    return sum(n for status, n in one.statuses.items() if status >= 400) / max(one.number, 1)


def _statuses(one: Asked) -> str:
    every = [f"{status} ({number:,} times)" for status, number in one.statuses.most_common(3)]
    return listed(every, 3) or "no answer"
