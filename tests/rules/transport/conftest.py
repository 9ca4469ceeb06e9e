"""Two captures in which every trouble of this family happens once, next to packets that its filters must reject."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rules.transport import wire
from tests.rules.transport.wire import ACK, FIN, PSH, RST, SYN, Talk
from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import Loaded, load

Made = tuple[Path, Loaded]


def _loss() -> Talk:
    """30 segments; three were lost before the capture and came after duplicate ACKs."""
    talk = Talk(1, server="203.0.113.1").handshake().say(0.03, 100, up=True)
    for n in range(30):
        at = 0.05 + n * 0.02
        if n % 10 == 5:
            talk.sent[False] += 1000  # lost before the capture point
            talk.count[False] += 1
            hole = talk.sent[False] - 1000
            talk.say(at, 1000).say(at + 0.001, 1000).say(at + 0.002, 1000)
            for k in range(4):
                talk.answer(at + 0.004 + k * 0.001, ack=hole)
            talk.packet(at + 0.011, PSH | ACK, up=False, data=b"x" * 1000, seq=hole)
            talk.answer(at + 0.012)
        else:
            talk.say(at, 1000).answer(at + 0.001)
    return talk.end(1.0)


def _slow(stream: int) -> Talk:
    talk = Talk(stream, server="203.0.113.7").handshake(5.0)
    talk.say(5.03, b"GET /report HTTP/1.1\r\nHost: slow.example\r\n\r\n", up=True).answer(5.05, up=False)
    return talk.say(7.05, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").answer(7.06).end(7.1)


def _web(stream: int, server: str, at: float, status: str, *, pause: float = 0.01) -> Talk:
    talk = Talk(stream, server=server).handshake(at)
    asked = at + 0.02 + pause
    talk.say(asked, b"GET /page HTTP/1.1\r\nHost: web.example\r\n\r\n", up=True)
    body = f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode()
    return talk.say(asked + 0.02, body).answer(asked + 0.03).end(asked + 0.05)


def _silence() -> Talk:
    talk = Talk(4, server="203.0.113.4").handshake(2.0).say(2.1, 500, up=True)
    for offset in (0.3, 0.9, 2.1, 4.5):
        talk.packet(2.1 + offset, PSH | ACK, up=True, data=b"x" * 500, seq=1)
    return talk


def _zero() -> Talk:
    talk = Talk(5, server="203.0.113.5").handshake(3.0).say(3.1, 1000)
    talk.answer(3.11, window=1000).say(3.12, 1000).answer(3.13, window=0)
    return talk.answer(3.5, window=64240).say(3.51, 1000).answer(3.52).end(3.6)


def _full() -> Talk:
    talk = Talk(6, server="203.0.113.6").syn(4.0)
    talk.packet(4.01, SYN | ACK, up=False).packet(4.02, ACK, up=True, window=1000)
    for n in range(12):
        talk.say(4.1 + n * 0.1, 1000).answer(4.12 + n * 0.1, window=1000)
    return talk


def _queue() -> Talk:
    talk = Talk(30, server="203.0.113.30").handshake(20.0).say(20.1, 100, up=True).answer(20.11, up=False)
    for n in range(40):
        talk.say(20.2 + n * 0.01, 1400, up=True)
    done = 101
    for n in range(40):
        done += 1400
        talk.answer(20.55 + n * 0.02, up=False, ack=done)
    return talk


def _black_hole() -> Talk:
    talk = Talk(40, server="203.0.113.40").handshake(30.0).say(30.05, 100, up=True).answer(30.07, up=False)
    talk.say(30.1, 1400, up=True).say(30.2, 50, ack=101)
    for offset in (0.3, 0.9, 2.1):
        talk.packet(30.1 + offset, PSH | ACK, up=True, data=b"x" * 1400, seq=101)
    return talk


def _unseen() -> Talk:
    talk = Talk(50, server="203.0.113.50").handshake(35.0)
    for n in range(4):
        talk.sent[False] += 1000
        talk.answer(35.1 + n * 0.1).say(35.15 + n * 0.1, 100).answer(35.16 + n * 0.1)
    return talk


def _doubled() -> Talk:
    talk = Talk(51, server="203.0.113.51").handshake(36.0)
    for n in range(12):
        at = 36.1 + n * 0.02
        talk.say(at, 100).packet(
            at + 0.0004, PSH | ACK, up=False, data=b"x" * 100, seq=1 + 100 * n, ident=talk.count[False]
        )
        talk.count[False] -= 1
        talk.answer(at + 0.005)
    return talk


def _overtaken() -> Talk:
    talk = Talk(52, server="203.0.113.52").handshake(38.0)
    for n in range(12):
        at, first = 38.1 + n * 0.05, 1 + 200 * n
        talk.packet(at, PSH | ACK, up=False, data=b"x" * 100, seq=first + 100, ident=5101 + 2 * n)
        talk.packet(at + 0.03, PSH | ACK, up=False, data=b"x" * 100, seq=first, ident=5100 + 2 * n)
        talk.sent[False] = first + 199
        talk.answer(at + 0.035)
    return talk


def _smb(status: int) -> bytes:
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, status, 5, 1, 1, 0, 7, 0xFEFF, 1, 0x1122) + b"\0" * 16
    body = header + struct.pack("<HBBI", 9, 0, 0, 0) + b"\0"
    return struct.pack(">I", len(body)) + body


def _lines(stream: int, server: str, port: int, at: float, *lines: bytes) -> Talk:
    talk = Talk(stream, server=server, port=port).handshake(at).say(at + 0.05, b"220 ready\r\n")
    for n, line in enumerate(lines):
        talk.say(at + 0.1 + n * 0.1, line, up=n % 2 == 0)
    return talk


def _talks() -> list[Talk]:
    late = Talk(2, server="203.0.113.2").syn(1.0).syn(2.0, again=True)
    late.packet(2.02, SYN | ACK, up=False).packet(2.04, ACK, up=True).say(2.05, 10, up=True).say(2.07, 10)
    unanswered = Talk(3, server="203.0.113.3").syn(1.0).syn(2.0, again=True).syn(4.0, again=True)
    unanswered.syn(8.0, again=True)
    answered_elsewhere = Talk(60, server="203.0.113.60").handshake(1.0).say(1.1, 10, up=True).say(1.2, 10).end(1.3)
    talks = [
        _loss(),
        late,
        unanswered,
        answered_elsewhere,
        _silence(),
        _zero(),
        _full(),
        _slow(7),
        _queue(),
        _black_hole(),
    ]
    talks += [_web(8 + n, "203.0.113.8", 9.0 + n, "200 OK", pause=1.5) for n in range(3)]
    talks += [
        Talk(12 + n, server="203.0.113.12").handshake(14.0 + n, rtt=0.5).say(14.6 + n, 10, up=True).say(14.9 + n, 10)
        for n in range(3)
    ]
    for n in range(3):
        broken = Talk(16 + n, server="203.0.113.16").handshake(18.0 + n).say(18.1 + n, 100, up=True)
        talks.append(broken.packet(18.2 + n, RST | ACK, up=False))
    for n in range(2):
        refused = Talk(20 + n, server="203.0.113.20").syn(19.0 + n)
        talks.append(refused.packet(19.01 + n, RST | ACK, up=False))
    talks += [
        Talk(24 + n, server="203.0.113.24").syn(22.0 + n).packet(22.01 + n, SYN | ACK, up=False) for n in range(3)
    ]
    talks += [_unseen(), _doubled(), _overtaken()]
    talks += [_web(70 + n, "203.0.113.70", 40.0 + n, "500 Internal Server Error") for n in range(3)]
    talks += [_web(74, "203.0.113.70", 44.0, "200 OK")]
    talks.append(
        _lines(
            80,
            "203.0.113.80",
            21,
            45.0,
            *(line for n in range(3) for line in (b"RETR %d\r\n" % n, b"550 No such file\r\n")),
        )
    )
    talks.append(
        _lines(
            81,
            "203.0.113.81",
            25,
            46.0,
            *(line for _ in range(2) for line in (b"RCPT TO:<a@b.example>\r\n", b"550 No such user\r\n")),
        )
    )
    greeting = Talk(83, server="203.0.113.83", port=21).handshake(60.0).say(62.0, b"220 ready\r\n")
    talks.append(greeting.say(62.1, b"QUIT\r\n", up=True).end(62.5))
    gap = Talk(90, server="203.0.113.90").handshake(63.0).say(63.1, 100)
    gap.sent[False] += 100
    for n in range(4):
        gap.say(63.2 + n * 0.01, 100).answer(63.205 + n * 0.01, ack=101)
    talks.append(gap)
    share = Talk(82, server="203.0.113.82", port=445).handshake(47.0)
    for n in range(3):
        share.say(47.1 + n * 0.1, _smb(0xC0000022))
    share.say(47.6, _smb(0))
    talks.append(share)
    for n in range(2):
        tls = Talk(84 + n, server="203.0.113.84", port=443).handshake(48.0 + n)
        hello = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + b"\x11" * 32 + b"\x00\x00\x02\x00\x2f\x01\x00"
        tls.say(48.1 + n, hello, up=True).say(48.12 + n, b"\x15\x03\x01\x00\x02\x02\x28")
        talks.append(tls.packet(48.13 + n, FIN | ACK, up=False))
    return talks


def _others(talks: list[Talk]) -> list[tuple[float, bytes]]:
    """What is not TCP. The ICMP errors quote SYNs and resets, so that filters on TCP fields meet them too."""
    frames: list[tuple[float, bytes]] = []
    lost = wire.tcp(talks[2].rows[0])[:28]
    refused = wire.ip(
        "203.0.113.20", wire.CLIENT, 6, struct.pack(">HHIIBBHHH", 80, 40020, 0, 1001, 0x50, RST | ACK, 0, 0, 0)
    )
    for n in range(3):
        frames.append((50.0 + n, wire.ethernet(wire.icmp("10.0.0.1", wire.CLIENT, 3, 1, 0, lost))))
        frames.append((51.0 + n, wire.arp_request("10.0.0.5", "10.0.0.77")))
        frames.append(
            (52.0 + n, wire.ethernet(wire.udp("10.0.0.5", "10.0.0.53", 40000, 53, b"\x12\x34\x01\x00\x00\x01")))
        )
        frames.append((57.0 + n, _discover(0x1000 + n)))
        frames.append(
            (58.0 + n, wire.ethernet(wire.udp(wire.CLIENT, "10.0.0.66", 40001, 1812, b"\x01\x01\0\x14" + b"\0" * 16)))
        )
    frames.append((53.0, wire.ethernet(wire.icmp("10.0.0.1", wire.CLIENT, 3, 4, 1400, lost))))
    frames.append((53.1, wire.ethernet(wire.icmp(wire.CLIENT, "203.0.113.20", 3, 3, 0, refused))))
    frames.append((53.2, wire.ethernet(wire.icmp("10.0.0.1", wire.CLIENT, 5, 1, b"\x0a\0\0\x02", lost))))
    for n in range(5):
        frames.append((54.0 + n * 0.1, wire.ethernet(wire.icmp("10.0.0.1", wire.CLIENT, 11, 0, 0, lost))))
        going = wire.ip(
            "10.0.0.6", "198.51.100.66", 17, struct.pack(">HHHH", 5000, 5001, 12, 0) + b"loop", ident=77, ttl=60 - 2 * n
        )
        frames.append((55.0 + n * 0.01, wire.ethernet(going)))
    for n in range(2):
        said = b"SIP/2.0 503 Service Unavailable\r\nCSeq: %d INVITE\r\nContent-Length: 0\r\n\r\n" % n
        frames.append((56.0 + n, wire.ethernet(wire.udp("203.0.113.90", wire.CLIENT, 5060, 5060, said))))
    return frames


def _discover(ident: int) -> bytes:
    mac = b"\x02\0\0\0\0\x99"
    body = struct.pack(">BBBBIHH", 1, 1, 6, 0, ident, 0, 0x8000) + b"\0" * 16 + mac + b"\0" * 202
    body += b"\x63\x82\x53\x63" + b"\x35\x01\x01" + b"\x0c\x04lost" + b"\xff"
    return wire.ethernet(wire.udp("0.0.0.0", "255.255.255.255", 68, 67, body), dst=b"\xff" * 6, src=mac)


def _reader(folder: Path) -> Callable[[Path], Loaded]:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    env = tshark_module.environment(folder)
    tshark = tshark_module.find(None, env)

    def read(path: Path) -> Loaded:
        return load(path, tshark, folder, env, Options(), jobs=1)

    return read


@pytest.fixture(scope="session")
def troubles(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The Ethernet capture and what it was read into."""
    folder = tmp_path_factory.mktemp("troubles")
    talks = _talks()
    path = wire.write(folder / "troubles.pcap", [*wire.on_the_wire(*talks), *_others(talks)])
    return path, _reader(folder)(path)


def _wlan(kind: int, dst: str, src: str, bssid: str, body: bytes) -> bytes:
    ends = b"".join(bytes.fromhex(a.replace(":", "")) for a in (dst, src, bssid))
    return struct.pack("<BBH", kind, 0, 0) + ends + b"\0\0" + body


@pytest.fixture(scope="session")
def wireless(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The 802.11 capture and what it was read into."""
    folder = tmp_path_factory.mktemp("wireless")
    cell, other, station = "02:00:00:00:00:c1", "02:00:00:00:00:c2", "02:00:00:00:00:51"
    frames = [(n * 0.1, _wlan(0xC0, "ff:ff:ff:ff:ff:ff", cell, cell, struct.pack("<H", 7))) for n in range(12)]
    frames += [(2.0 + n, _wlan(0xC0, station, other, other, struct.pack("<H", 3))) for n in range(2)]
    frames += [(5.0 + n, _wlan(0x10, station, cell, cell, struct.pack("<HHH", 0x21, 17, 0))) for n in range(3)]
    frames += [(9.0, _wlan(0x10, station, cell, cell, struct.pack("<HHH", 0x21, 0, 0xC001)))]
    path = wire.write(folder / "wireless.pcap", frames, link=105)
    return path, _reader(folder)(path)
