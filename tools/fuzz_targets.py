"""What tools/fuzz.py fuzzes: everything here that reads what others wrote, and inputs to start from.

A target may raise only what its function documents; anything else is a finding.
"""

from __future__ import annotations

import functools
import gzip
import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tests import builders  # noqa: E402
from tshark_report.capture import (  # noqa: E402
    check,
    dissect,
    filetypes,
    filters,
    framing,
    headers,
    payload,
    pcapng,
    piles,
    ports,
    share,
    shortened,
    split,
)
from tshark_report.errors import ReportError  # noqa: E402
from tshark_report.expect import model as expectations  # noqa: E402
from tshark_report.focus import (  # noqa: E402
    conversations,
    indicators,
    lookup,
    match_alerts,
    read_alerts,
    read_json,
    read_lists,
    refang,
    stix_patterns,
)
from tshark_report.focus.bounded import Unreadable  # noqa: E402
from tshark_report.normal import store as baselines  # noqa: E402
from tshark_report.report import as_json, brand  # noqa: E402
from tshark_report.settings import load as load_settings  # noqa: E402
from tshark_report.store import manifest  # noqa: E402
from tshark_report.tables import columns, taps  # noqa: E402
from tshark_report.tables.read import Builder  # noqa: E402
from tshark_report.tables.tables import Tables  # noqa: E402

FIXTURES = TOP / "fixtures"


def rows(data: bytes) -> None:
    """Rows of packets: cutting them out of the stream, checking their shape, typing their cells."""
    builder = Builder(columns.all_fields())
    reader = dissect._Rows(None, len(builder.fast_layout().columns) - 1, builder.add)
    try:
        for at in range(0, len(data), 1000):
            reader.feed(data[at : at + 1000])
        reader.finish()
        builder.packets()
    except dissect.Forged:
        return


def statistics(data: bytes) -> None:
    """What tshark prints behind the rows: hierarchy, conversations, filter counts, capinfos' table."""
    text = data.decode("utf-8", "replace")
    taps.hierarchy([text])
    taps.conversations([text])
    filters._ROW.findall(text)
    check._texts(data)


def frames(data: bytes) -> None:
    """The framing of pcap and pcapng, plain headers, fragments, the splitter and the writer of mended captures."""
    path = _file(data)
    framing.first_time(path)
    try:
        found = framing.index(path)
    except framing.NotFramed:
        return
    if not len(found):
        return
    import numpy as np

    at = split.located(path, found)
    every = np.arange(len(found), dtype=np.int64)
    if at is not None:
        split.keys(path, found, at)
        assert headers.read(path, found, at).height == len(found)
        ports.payload_ports(path, at, every)
        piles.surplus(path, found, at)
    written = io.BytesIO()
    split.feeder(path, found, split.Shard(every))(written)
    shortened.write(path, found, {1: 0, len(found): 20}, len(found), written)
    payload.search(path)


def shared(data: bytes) -> None:
    """Frames that are rewritten to be handed to others, and the pcapng that holds them."""
    try:
        made = pcapng.read(data)
    except framing.NotFramed:
        made = []
    for each in made:
        share.rewritten(each.data, each.wire, each.link, share.Seen().names())
    for link in (share.ETHERNET, share.RAW, share.NULL, share.SLL, share.SLL2, share.WIRELESS, share.RADIOTAP):
        kept, wire, _ = share.rewritten(data, len(data), link, share.Seen().names())
        assert wire >= len(kept)


def content(data: bytes) -> None:
    """What a file that crossed the wire is by its content."""
    filetypes.detect(data)
    filetypes.is_binary(data)
    filetypes.content(data[:4096], data[-512:])
    filetypes.xor_key(data)
    filetypes.ending(data.decode("utf-8", "replace"))


@functools.cache
def _tables() -> Tables:
    return builders.tables(packets=builders.packets({}, {"src": builders.SERVER, "transport": "udp"}))


def given(data: bytes) -> None:
    """Indicator lists: STIX, MISP, report.json, CSV, lines; and what they lead to in a capture."""
    found: list[indicators.Indicator] = []
    try:
        found += read_json.read(data, "given")[0]
    except Unreadable:
        pass
    try:
        found += read_lists.read(_file(data)).indicators
    except Unreadable:
        pass
    text = data.decode("utf-8", "replace")
    refang.refang(text)
    found += list(indicators.in_text(text, "given"))
    found += [made for line in text.splitlines() if (made := indicators.given(line, "given")) is not None]
    if found:
        lookup.look_up(indicators.unique(found), _tables(), conversations.Conversations(_tables()))


def patterns(data: bytes) -> None:
    """STIX patterns."""
    for path, _ in stix_patterns.Patterns().compared(data.decode("utf-8", "replace")):
        stix_patterns.kinds_of(path)


def alerts(data: bytes) -> None:
    """Alerts of other tools, and the packets that they are about."""
    found = read_alerts.read(_file(data)).alerts
    match_alerts.match(found, _tables(), conversations.Conversations(_tables()))


def baseline(data: bytes) -> None:
    """A baseline file."""
    _told(lambda: baselines.load(_file(data)))


def settings(data: bytes) -> None:
    """A settings file."""
    _told(lambda: load_settings(_file(data)))


def expected(data: bytes) -> None:
    """A file of what is expected."""
    _told(lambda: expectations.load(_file(data)))


def branded(data: bytes) -> None:
    """A brand file."""
    _told(lambda: brand.load(_file(data)))


def report(data: bytes) -> None:
    """A report.json."""
    _told(lambda: as_json.load(data))


def stored(data: bytes) -> None:
    """The manifest of a folder of tables."""
    folder = Path(tempfile.gettempdir()) / f"fuzz-{os.getpid()}.tables"
    folder.mkdir(exist_ok=True)
    (folder / manifest.NAME).write_bytes(data)
    _told(lambda: manifest.load(folder))
    _told(lambda: manifest.summary(folder))


def _told(read: Callable[[], object]) -> None:
    try:
        read()
    except ReportError:
        return


def _file(data: bytes) -> Path:
    path = Path(tempfile.gettempdir()) / f"fuzz-{os.getpid()}"
    path.write_bytes(data)
    return path


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        rows, statistics, frames, shared, content, given, patterns, alerts, baseline, settings, expected, branded,
        report, stored,
    )
}  # fmt: skip

_EVE = (
    b'{"timestamp":"2023-11-14T22:13:20.000001+0000","event_type":"alert","src_ip":"10.0.0.5","src_port":40000,'
    b'"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","alert":{"signature_id":2001,"signature":"ET SCAN",'
    b'"category":"misc","severity":2}}\n'
)
_NOTICE = (
    b"#separator \\x09\n#unset_field\t-\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tnote\t"
    b"msg\tsrc\tdst\tp\n1700000000.5\t-\t10.0.0.5\t40000\t203.0.113.9\t443\ttcp\tScan::Port\tseen\t-\t-\t-\n"
)
_STIX = (
    b'{"type":"bundle","id":"bundle--1","objects":[{"type":"indicator","pattern_type":"stix","name":"n","pattern":'
    b'"[ipv4-addr:value = \'203.0.113.9\']"},{"type":"domain-name","value":"evil.example"},'
    b'{"type":"file","hashes":{"SHA-256":"' + b"ab" * 32 + b'"}},{"type":"indicator","pattern":"[url:value LIKE '
    b"'http://evil.example/a' OR domain-name:value IN ('a.example','b.example')]\"}]}"
)
_MISP = (
    b'{"Event":{"Attribute":[{"type":"ip-dst|port","value":"203.0.113.9|443","comment":"c"},{"type":"md5","value":"'
    + b"0" * 32 + b'"}],"Object":[{"Attribute":[{"type":"domain|ip","value":"a.example|10.0.0.5"}]}]}}'
)  # fmt: skip
_LINES = b"198.51.100.7\nevil[.]example\nhxxp://evil[.]example:8080/a?b#c\n10.0.0.0/8\n# note\n02:00:00:00:00:05\n"
_EXPECTED = (
    b'version = 1\nonly_these = true\n[[host]]\naddress = "10.0.0.5"\nnames = ["a*.example"]\nservices = ["tcp/443"]\n'
)
_SETTINGS = (
    b'home_networks = ["10.0.0.0/8"]\n[thresholds.DNS005]\nleast = 5\n[expected_services]\n"10.0.0.5" = [443]\n'
    b'[[allow]]\ncode = "DNS005"\nhost = "10.0.0.5"\nwhy = "known"\n'
)

SEEDS: dict[str, list[bytes]] = {
    "rows": [b"\t".join([b"1"] * 40) + b"\n", b"1\t2\n"],
    "statistics": [
        b"===\nProtocol Hierarchy Statistics\nFilter: \n\neth    frames:3 bytes:180\n  ip   frames:3 bytes:180\n===\n",
        b"|   0.0 <> 1.0   |     3 |   180 |\n",
    ],
    "content": [b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0", b"PK\x03\x04" + bytes(26), b"%PDF-1.7\n", b"\x7fELF\x02\x01"],
    "given": [
        _LINES, _STIX, _MISP, b'["203.0.113.9", "evil.example"]', b"type,value,note\nip,198.51.100.7,n\n",
        b'{"indicators":[{"type":"ipv4","value":"203.0.113.9"}]}', _LINES.decode().encode("utf-16"),
        gzip.compress(_LINES, mtime=0),
    ],
    "patterns": [
        b"[ipv4-addr:value = '203.0.113.9']", b"[file:hashes.'SHA-256' = 'aa'] AND [url:value IN ('a', 'b')]",
        b"[domain-name:value LIKE '%a' AND NOT user-account:account_login = 'x'] WITHIN 5 SECONDS",
    ],
    "alerts": [_EVE, _NOTICE, b"[" + _EVE.strip() + b"]", gzip.compress(_EVE, mtime=0),
               b'{"ts":1700000000.5,"note":"Scan::Port","src":"10.0.0.5","dst":"203.0.113.9","p":443}\n'],
    "baseline": [b"{}", b'{"schema_version": 1}'],
    "settings": [_SETTINGS, b"[thresholds]\n"],
    "expected": [_EXPECTED],
    "branded": [b'organisation = "a"\nlogo = "a.png"\n[colours]\naccent = "#123456"\n[colours.dark]\n'],
    "report": [b'{"schema_version": 1, "tool": {"name": "a", "version": "1", "tshark_version": "4"}}'],
    "stored": [b'{"format": "tshark-report tables", "schema_version": 1}'],
}  # fmt: skip


def seeds(name: str) -> list[bytes]:
    """Inputs to start from: recordings of this project for the binary formats, short examples for the others."""
    if name in ("frames", "shared"):
        made = [p.read_bytes()[:3000] for p in sorted(FIXTURES.glob("*/capture.pcap*"))[:12]]
        return made if name == "frames" else [*made, *(_first_frame(each) for each in made)]
    return SEEDS[name]


def _first_frame(data: bytes) -> bytes:
    found = framing.index(_file(data))
    return data[found.offset[0] : found.offset[0] + found.captured[0]] if len(found) else b""
