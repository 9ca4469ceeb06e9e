"""What explains best that the second capture differs: failures first, then where the time went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tshark_report.compare.differences import LOST_LEAST, LOST_SHARE, slower
from tshark_report.compare.measures import Asked, Measures, Name
from tshark_report.compare.model import Area, Cause, Difference
from tshark_report.compare.pairs import Pair
from tshark_report.story.words import count, listed, size, took, verb

ORDER: tuple[Area, ...] = (
    "resolution", "connection", "encryption", "application", "receiver", "server", "path", "wire", "volume",
)  # fmt: skip
"""What fails comes before what is slow: without a name there is no connection, without one no encryption, and so on."""

DISTURBED = 0.05
"""Share of packets sent again from which the wire is named first, whatever the server took: its times are not to be
trusted then."""


def failures(
    pairs: Sequence[Pair], names: tuple[Mapping[str, Name], Mapping[str, Name]],
    requests: tuple[Mapping[str, Asked], Mapping[str, Asked]], label: tuple[str, str],
) -> list[Cause]:  # fmt: skip
    """What works in the first capture and fails in the second."""
    good, bad = label
    made: list[Cause] = []
    for name, b in names[1].items():
        a = names[0].get(name)
        if a is not None and a.resolved and not b.resolved and b.queries:
            how = (
                f"was answered with {listed(list(b.failures), 2)}" if b.failures
                else "was not answered" if not b.answers else "was answered without an address"
            )  # fmt: skip
            made.append(Cause(area="resolution", exchange=f"name {name}", sentence=(
                f"The name is not resolved: {name} {how} in {bad}, in {good} it led to {listed(a.addresses, 2)}."
            )))  # fmt: skip
    for pair in pairs:
        made += _connection(pair, label)
        made += _encryption(pair, label)
    for what, asked in requests[1].items():
        before = requests[0].get(what)
        if before is None:
            continue
        worked = sum(n for status, n in before.statuses.items() if status < 400)
        failed = {status: n for status, n in asked.statuses.items() if status >= 400 and status not in before.statuses}
        if worked and failed:
            status, number = max(failed.items(), key=lambda item: item[1])
            made.append(Cause(area="application", exchange=asked.exchange, sentence=(
                f"The application answers with an error: {what} got status {status} in {bad} "
                f"({count(number, 'time')}), in {good} {listed([str(s) for s in before.statuses], 3)}."
            )))  # fmt: skip
        elif worked and asked.unanswered and not before.unanswered and not asked.statuses:
            made.append(Cause(area="application", exchange=asked.exchange, sentence=(
                f"The application does not answer: {what} got no answer in {bad} ({count(asked.unanswered, 'time')}), "
                f"in {good} {listed([str(s) for s in before.statuses], 3)}."
            )))  # fmt: skip
    return sorted(made, key=lambda c: ORDER.index(c.area))


def _connection(pair: Pair, label: tuple[str, str]) -> Iterable[Cause]:
    a, b = pair.good, pair.bad
    good, bad = label
    if a.answered and b.sessions and b.answered < b.sessions and b.answered / b.sessions < a.answered / a.sessions:
        moved = not set(a.servers) & set(b.servers)
        where = f" at {listed(b.servers, 2)} instead of {listed(a.servers, 2)}" if moved else ""
        if b.refused > a.refused and b.refused:
            how = f"{count(b.refused, 'connection')} of {b.sessions:,} refused"
        elif b.transport == "tcp":
            how = f"{b.unanswered:,} of {count(b.sessions, 'connection')} without any answer"
        else:
            how = f"{b.sessions - b.answered:,} of {count(b.sessions, 'exchange')} without an answer"
        yield Cause(area="connection", exchange=pair.name, sentence=(
            f"The server cannot be reached: {pair.name}{where} had {how} in {bad}, in {good} "
            f"{a.answered:,} of {a.sessions:,} were answered."
        ))  # fmt: skip


def _encryption(pair: Pair, label: tuple[str, str]) -> Iterable[Cause]:
    a, b = pair.good, pair.bad
    good, bad = label
    new = [alert for alert in dict.fromkeys(b.alerts) if alert not in a.alerts]
    if new and a.server_hellos:
        versions = f"; {a.tls_version} in {good}, {b.tls_version} in {bad}" if a.tls_version != b.tls_version else ""
        yield Cause(area="encryption", exchange=pair.name, sentence=(
            f"The TLS handshake fails: {pair.name} ended with the alert {listed(new, 2)} in {bad}, "
            f"in {good} without{versions}."
        ))  # fmt: skip
    elif b.hellos and a.server_hellos and not b.server_hellos and b.answered:
        yield Cause(area="encryption", exchange=pair.name, sentence=(
            f"The TLS handshake is not answered: {pair.name} left {count(b.hellos, 'Client Hello')} unanswered "
            f"in {bad}, in {good} {a.server_hellos:,} were answered."
        ))  # fmt: skip


def slowness(pairs: Sequence[Pair], names: tuple[Mapping[str, Name], Mapping[str, Name]], label: tuple[str, str]) -> list[Cause]:  # fmt: skip  # noqa: E501
    """Where the second capture spent more time than the first, most first; loss counts by its share too."""
    good, bad = label
    made: list[Cause] = []
    for pair in pairs:
        a, b = pair.good, pair.bad
        if _more(a.think, b.think):
            cost = (b.think - a.think) * max(b.answers, 1)  # type: ignore[operator]
            made.append(Cause(area="server", exchange=pair.name, seconds=cost, sentence=(
                f"The server is slower: {pair.name} took {took(b.think or 0)} for an answer in {bad} "
                f"(median of {b.answers:,}), {took(a.think or 0)} in {good}."
            )))  # fmt: skip
        if _more(a.rtt, b.rtt):
            cost = (b.rtt - a.rtt) * (b.sessions + b.answers)  # type: ignore[operator]
            made.append(Cause(area="path", exchange=pair.name, seconds=cost, sentence=(
                f"The way is longer: a round trip to {pair.name} took {took(b.rtt or 0)} in {bad} "
                f"(median of {count(b.answered, 'handshake')}), {took(a.rtt or 0)} in {good}{_hops(a, b)}."
            )))  # fmt: skip
        share_a, share_b = _lost(a), _lost(b)
        if b.resent >= LOST_LEAST and share_b > 2 * share_a and share_b - share_a > LOST_SHARE:
            cost = max(b.lost_seconds, (b.seconds or 0.0) * b.sessions if share_b > DISTURBED else 0.0)
            made.append(Cause(area="wire", exchange=pair.name, seconds=cost, sentence=(
                f"The wire loses packets: {b.resent:,} of {count(b.packets, 'packet')} with {pair.name} were sent "
                f"again in {bad} ({100 * share_b:.2g} %), {a.resent:,} of {a.packets:,} in {good}."
            )))  # fmt: skip
        elif b.syn_again > a.syn_again and b.answered:
            made.append(Cause(area="wire", exchange=pair.name, seconds=float(b.syn_again), sentence=(
                f"Connections start late: {count(b.syn_again, 'SYN')} to {pair.name} had to be sent again in {bad}, "
                f"{a.syn_again:,} in {good}."
            )))  # fmt: skip
        if b.zero_windows > 2 * a.zero_windows:
            cost = (b.seconds or 0) - (a.seconds or 0)
            made.append(Cause(area="receiver", exchange=pair.name, seconds=cost, sentence=(
                f"A receiver is full: {count(b.zero_windows, 'zero window')} with {pair.name} in {bad}, "
                f"{a.zero_windows:,} in {good}."
            )))  # fmt: skip
        if a.rate and b.rate and a.rate > 2 * b.rate and not any(c.exchange == pair.name for c in made):
            cost = (b.seconds or 0) - (a.seconds or 0)
            made.append(Cause(area="wire", exchange=pair.name, seconds=cost, sentence=(
                f"The wire is slower: long answers of {pair.name} came with {size(b.rate)}/s in {bad}, "
                f"with {size(a.rate)}/s in {good}; neither loss nor the server's time explains it."
            )))  # fmt: skip
    made += _late_names(names, label)
    return sorted(made, key=lambda c: (-c.seconds, ORDER.index(c.area)))


def _late_names(names: tuple[Mapping[str, Name], Mapping[str, Name]], label: tuple[str, str]) -> Iterable[Cause]:
    good, bad = label
    for name, one in names[1].items():
        before = names[0].get(name)
        a, b = before.seconds if before is not None else None, one.seconds
        if a is not None and b is not None and _more(a, b):
            yield Cause(
                area="resolution", exchange=f"name {name}", seconds=(b - a) * max(one.queries, 1),
                sentence=f"Names are resolved late: {name} took {took(b)} in {bad}, {took(a)} in {good}.",
            )  # fmt: skip


def _more(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and b > a and slower(a, b)


def _lost(one: Measures) -> float:
    return one.resent / one.packets if one.packets else 0.0


def _hops(a: Measures, b: Measures) -> str:
    if a.ttl_server is None or b.ttl_server is None or a.ttl_server == b.ttl_server:
        return ""
    return f"; the server's packets arrived with TTL {b.ttl_server} instead of {a.ttl_server}"


def failing_alone(only_bad: Sequence[Measures], label: tuple[str, str]) -> list[Cause]:
    """Exchanges that only the second capture holds and in which nobody answered: perhaps the very thing that fails."""
    good, bad = label
    made = []
    for one in only_bad:
        if one.answered or not one.sessions:
            continue
        how = "was refused" if one.refused else "got no answer"
        made.append(Cause(area="connection", exchange=one.name, sentence=(
            f"The server cannot be reached: {one.name} {how} in {bad} ({count(one.sessions, 'session')}); {good} does "
            "not hold this exchange."
        )))  # fmt: skip
    return made


def reverse(causes: Sequence[Cause], label: tuple[str, str]) -> str:
    """A headline where it is the first capture that does worse."""
    good, bad = label
    sentence = causes[0].sentence
    worse = f"{sentence[:1].lower()}{sentence[1:]}"
    return f"Nothing fails and nothing is slower in {bad}; it is {good} that does worse: {worse}"


def otherwise(found: Sequence[Difference], only_bad: Sequence[Measures], only_good: Sequence[Measures], label: tuple[str, str]) -> str:  # fmt: skip  # noqa: E501
    """A headline where nothing fails and nothing is slower."""
    good, bad = label
    if only_good and not only_bad:
        first = listed([m.name for m in only_good], 2)
        there = verb(len(only_good), "is", "are")
        return f"Something is missing: {first} {there} in {good} and not in {bad}; what both hold works alike."
    if only_bad:
        first_bad = listed([m.name for m in only_bad], 2)
        return f"What both hold works alike; {first_bad} {verb(len(only_bad), 'is', 'are')} in {bad} only."
    changed = [d for d in found if d.area in ("path", "encryption", "receiver")]
    if changed:
        one = changed[0]
        return (
            f"Nothing fails and nothing is slower in {bad}, but it differs: {one.aspect} of {one.exchange} is "
            f"{one.bad}, in {good} {one.good}."
        )
    return f"Nothing tells {bad} from {good}: what both hold was resolved, connected and answered alike."
