"""One capture with everything that this family looks for, and near misses beside it."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.rules.scans.wire import BROADCAST, Tape, arp, ether, icmp, ip, mac_of, tcp, udp, unreachable

SCANNED, SERVER, SITE = "10.9.0.10", "10.9.0.80", "203.0.113.80"


def vertical(tape: Tape) -> None:
    for port in range(1, 41):
        probe = tcp("10.9.0.66", SCANNED, 40000, port, seq=99, ident=7)
        tape.add(probe)
        if port in (22, 25):
            tape.add(
                tcp(SCANNED, "10.9.0.66", port, 40000, 0x12, seq=5, ack=100),
                tcp("10.9.0.66", SCANNED, 40000, port, 0x04, seq=100),
            )
        elif port == 30:
            tape.add(unreachable("10.9.0.1", probe))
        else:
            tape.add(tcp(SCANNED, "10.9.0.66", port, 40000, 0x14, ack=100))


def horizontal(tape: Tape) -> None:
    for n in range(1, 31):
        target = f"198.18.{n}.9"
        probe = tcp("10.9.0.67", target, 41000 + n, 23, seq=int.from_bytes(bytes([198, 18, n, 9])))
        tape.add(probe)
        if n == 4:
            tape.add(unreachable("10.9.0.1", probe, 3, 13))


def ordinary(tape: Tape) -> None:
    """A browser, a monitor, a pinging admin: what must stay quiet."""
    for n in range(30):
        tape.session("10.9.0.21", f"203.0.113.{n + 1}", 42000 + 2 * n, 443)
    for n in range(8):
        tape.session("10.9.0.22", SERVER, 43000 + 2 * n, 80 + n)
    for n in range(12):
        tape.add(
            icmp("10.9.0.23", SERVER, 8, body=struct.pack("!HH", 9, n)),
            icmp(SERVER, "10.9.0.23", 0, body=struct.pack("!HH", 9, n)),
        )
    for n in range(4):
        # A large datagram in ordinary fragments.
        tape.add(
            ip("10.9.0.24", SERVER, 17, b"\x20" * 1480, ident=100 + n, flags=1),
            ip("10.9.0.24", SERVER, 17, b"\x20" * 700, ident=100 + n, offset=185),
        )
    for n in range(6):
        tape.add(udp("10.9.0.25", "10.9.0.53", 44000 + n, 53, DNS_QUESTION))
        tape.add(udp("10.9.0.53", "10.9.0.25", 53, 44000 + n, DNS_ANSWER[:90]))


DNS_QUESTION = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03isc\x03org\x00\x00\xff\x00\x01"
DNS_ANSWER = b"\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x03isc\x03org\x00\x00\xff\x00\x01" + b"\0" * 480


def sweep(tape: Tape) -> None:
    for n in range(1, 25):
        request = icmp("10.9.0.68", f"10.9.1.{n}", 8, body=struct.pack("!HH", 77, n), ttl=40 + n)
        tape.add(request)
        if n == 5:
            tape.add(icmp("10.9.1.5", "10.9.0.68", 0, body=struct.pack("!HH", 77, n)))
        if n == 6:
            tape.add(unreachable("10.9.0.1", request, 3, 1))
    tape.add(icmp("10.9.0.68", "224.0.0.1", 8, body=struct.pack("!HH", 77, 1)))


def arp_search(tape: Tape) -> None:
    for n in range(1, 61):
        tape.add(arp(1, mac_of("10.9.0.69"), "10.9.0.69", f"10.9.2.{n}"))
    tape.add(arp(2, mac_of("10.9.2.7"), "10.9.2.7", "10.9.0.69", to=mac_of("10.9.0.69")))


def udp_search(tape: Tape) -> None:
    for port in range(100, 160):
        probe = udp("10.9.0.70", SCANNED, 45000, port, b"\0" * 4)
        tape.add(probe)
        if port < 110:
            tape.add(unreachable(SCANNED, probe))
    for n in range(1, 31):
        tape.add(udp("10.9.0.71", f"198.18.40.{n}", 46000, 1434, b"\x04" * 40))


def flags(tape: Tape) -> None:
    for n, value in enumerate((0x00, 0x01, 0x29, 0x03, 0x3F) * 4):
        tape.add(tcp("10.9.0.72", SCANNED, 47000 + n, 50 + n, value, seq=n * 1000))
    for port in range(1, 31):
        tape.add(
            tcp("10.9.0.73", SCANNED, 47500, port, 0x10, seq=3, ack=9),
            tcp(SCANNED, "10.9.0.73", port, 47500, 0x04, seq=9),
        )


def floods(tape: Tape) -> None:
    for n in range(400):
        tape.add(tcp(f"198.51.{n // 200}.{n % 200 + 1}", SERVER, 1024 + n, 80, seq=n * 77, ttl=44), step=0.002)
    for n in range(1200):
        tape.add(udp("10.9.0.74", "203.0.113.99", 48000, 1024 + n * 7 % 9000, b"x" * 30), step=0.002)
    for n in range(600):
        tape.add(icmp("10.9.0.75", "203.0.113.98", 8, body=struct.pack("!HH", 5, n)), step=0.002)
    tape.add(icmp("10.9.0.1", "10.9.0.75", 3, 1, b"\0\0\0\0" + icmp("10.9.0.75", "203.0.113.98", 8)[14:42]))


def reflection(tape: Tape) -> None:
    for n in range(120):
        tape.add(udp(f"198.18.60.{n % 30 + 1}", "10.9.0.76", 53, 4000 + n, DNS_ANSWER))
    for _ in range(60):
        tape.add(udp("192.0.2.9", "10.9.0.53", 123, 123, b"\x17\x00\x03\x2a" + b"\0" * 4))
        tape.add(udp("10.9.0.53", "192.0.2.9", 123, 123, b"\xd7\x00\x03\x2a" + b"\0" * 440))


def backscatter(tape: Tape) -> None:
    for n in range(60):
        here = f"10.9.3.{n % 40 + 1}"
        tape.add(tcp("192.0.2.80", here, 80, 2000 + n, 0x12, seq=n * n * 7919, ack=9000 + n))
        if n % 3 == 0:
            tape.add(tcp(here, "192.0.2.80", 2000 + n, 80, 0x04, seq=9000 + n))


def protocols(tape: Tape) -> None:
    for number in (3, 8, 9, 12, 16, 20, 23, 30, 37, 53, 61, 63, 68, 99):
        probe = ip("10.9.0.77", SCANNED, number, b"")
        tape.add(probe)
        if number < 30:
            tape.add(unreachable(SCANNED, probe, 3, 2))


def bounce(tape: Tape) -> None:
    client, server = "10.9.0.78", "10.9.0.21"
    seq, theirs = 1000, 9000
    tape.add(
        tcp(client, server, 49000, 21, 0x02, seq=seq), tcp(server, client, 21, 49000, 0x12, seq=theirs, ack=seq + 1)
    )
    seq, theirs = seq + 1, theirs + 1
    tape.add(tcp(client, server, 49000, 21, 0x10, seq=seq, ack=theirs))
    for port in (21, 22, 23, 25, 80, 110, 139, 143, 443, 445, 3306):
        line = f"PORT 10,9,0,10,{port // 256},{port % 256}\r\n".encode()
        tape.add(tcp(client, server, 49000, 21, 0x18, seq=seq, ack=theirs, body=line))
        seq += len(line)
        reply = b"200 PORT command successful\r\n"
        tape.add(tcp(server, client, 21, 49000, 0x18, seq=theirs, ack=seq, body=reply))
        theirs += len(reply)


def resets(tape: Tape) -> None:
    """The server is 7 hops away; the reset in its name comes from next door, and the server goes on."""
    client, sport = "10.9.0.79", 50001
    tape.add(
        tcp(client, SITE, sport, 80, 0x02, seq=10),
        tcp(SITE, client, 80, sport, 0x12, seq=20, ack=11, ttl=57),
        tcp(client, SITE, sport, 80, 0x10, seq=11, ack=21),
        tcp(client, SITE, sport, 80, 0x18, seq=11, ack=21, body=b"GET / HTTP/1.0\r\n\r\n", ident=4321),
        tcp(SITE, client, 80, sport, 0x14, seq=21, ack=29, ttl=63, ident=4321),
        tcp(SITE, client, 80, sport, 0x18, seq=21, ack=29, ttl=57, body=b"HTTP/1.0 200 OK\r\n\r\n"),
    )
    # A closed port resets from its own distance.
    tape.add(tcp("10.9.0.80", SITE, 50100, 81, 0x02, seq=1), tcp(SITE, "10.9.0.80", 81, 50100, 0x14, ack=2, ttl=57))


def fragments(tape: Tape) -> None:
    for n in range(6):
        body = struct.pack("!HHIIHHHH", 51000, 80, 1, 0, 0x5002, 1024, 0, 0)
        for at in range(0, 20, 8):
            last = at + 8 >= 20
            tape.add(
                ip("10.9.0.81", SCANNED, 6, body[at : at + 8], ident=500 + n, flags=0 if last else 1, offset=at // 8)
            )
    for n in range(2):
        tape.add(
            ip("10.9.0.82", SCANNED, 17, b"A" * 800, ident=600 + n, flags=1),
            ip("10.9.0.82", SCANNED, 17, b"B" * 800, ident=600 + n, flags=0, offset=50),
        )


def constants(tape: Tape) -> None:
    for n in range(10):
        tape.session("10.9.0.83", SITE, 52000 + 2 * n, 443, isn=777)
        tape.session("10.9.0.84", SITE, 31337, 443, isn=1000 + n * 999331)
    for n in range(25):
        tape.add(udp("10.9.0.85", SITE, 53000 + n, 7000, b"r" * 20, ident=0x1234))
        tape.add(udp("10.9.0.86", SITE, 54000, 7000, b"t" * 20, ttl=30 + n * 11 % 97, ident=n + 1))
    for _ in range(5):
        tape.add(tcp("10.9.0.87", SITE, 54100, 443, 0x610, seq=5, ack=5))
        tape.add(tcp("10.9.0.88", SITE, 54200, 443, 0x38, seq=5, ack=5, body=b"u"))
        tape.add(ip("10.9.0.89", SITE, 17, struct.pack("!HHHH", 54300, 7001, 8, 0), flags=4))
    tape.add(tcp("10.9.0.90", "10.9.0.90", 139, 139, 0x02, source_mac=mac_of("10.9.0.66")))


def neighbours(tape: Tape) -> None:
    spoofer, gateway, victim = mac_of("10.9.0.91"), mac_of("10.9.0.1"), mac_of("10.9.0.92")
    tape.add(arp(1, spoofer, "10.9.0.91", "10.9.0.1"), arp(2, gateway, "10.9.0.1", "10.9.0.91", to=spoofer))
    tape.add(arp(1, victim, "10.9.0.92", "10.9.0.1"), arp(2, gateway, "10.9.0.1", "10.9.0.92", to=victim))
    for _ in range(6):
        tape.add(
            arp(2, spoofer, "10.9.0.1", "10.9.0.92", to=victim),
            arp(2, spoofer, "10.9.0.92", "10.9.0.1", to=gateway),
            step=1,
        )
        tape.add(udp("10.9.0.92", SITE, 55000, 7002, b"secret", target_mac=spoofer))
    # Two machines with one address.
    for n in range(4):
        tape.add(arp(1, mac_of("10.9.9.1" if n % 2 else "10.9.9.2"), "10.9.0.93", "10.9.0.1"), step=3)
    # An address that moves once.
    tape.add(arp(1, mac_of("10.9.9.3"), "10.9.0.94", "10.9.0.94"), arp(1, mac_of("10.9.9.4"), "10.9.0.94", "10.9.0.94"))
    for n in range(60):
        tape.add(arp(2, mac_of("10.9.9.5"), f"10.9.4.{n % 20 + 1}", f"10.9.4.{n % 20 + 1}"))


def storm(tape: Tape) -> None:
    looped = arp(1, mac_of("10.9.0.95"), "10.9.0.95", "10.9.0.96")
    tape.add(*[looped] * 900, step=0.001)


def full_tables(tape: Tape) -> None:
    for n in range(400):
        tape.add(ether(f"5e:00:00:00:{n // 256:02x}:{n % 256:02x}", BROADCAST, 0x88B5, b"m" * 46), step=0.01)


def write(path: Path) -> Path:
    """Write the whole capture."""
    tape = Tape()
    for part in (
        ordinary,
        vertical,
        horizontal,
        sweep,
        arp_search,
        udp_search,
        flags,
        reflection,
        backscatter,
        protocols,
        bounce,
        resets,
        fragments,
        constants,
        neighbours,
    ):
        part(tape)
        tape.now += 12
    ordinary(tape)
    tape.now += 12
    floods(tape)
    tape.now += 12
    storm(tape)
    return tape.save(path)
