"""Make session.pcap and keys.log: one HTTP exchange inside TLS 1.3, between two ends in this process."""

import ssl
import subprocess
import tempfile
from pathlib import Path

from scapy.all import IP, TCP, Ether, Raw, wrpcap

here = Path(__file__).parent
with tempfile.TemporaryDirectory() as folder:
    cert, key = Path(folder) / "c.pem", Path(folder) / "k.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            str(key),
            "-out",
            str(cert),
            "-days",
            "3650",
            "-subj",
            "/CN=files.partner.example",
        ],
        check=True,
        capture_output=True,
    )
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server_side.load_cert_chain(cert, key)
    client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
    log = here / "keys.log"
    log.unlink(missing_ok=True)
    client_side.keylog_filename = str(log)
    wires = [ssl.MemoryBIO() for _ in range(4)]
    client = client_side.wrap_bio(wires[0], wires[1], server_hostname="files.partner.example")
    server = server_side.wrap_bio(wires[2], wires[3], server_side=True)
    sent = []

    def move():
        for out, into, who in ((wires[1], wires[2], "c"), (wires[3], wires[0], "s")):
            data = out.read()
            if data:
                sent.append((who, data))
                into.write(data)

    def step(what, *args):
        try:
            return what(*args)
        except ssl.SSLWantReadError:
            return None

    for _ in range(6):
        step(client.do_handshake)
        move()
        step(server.do_handshake)
        move()
    client.write(b"GET /report/update.bin HTTP/1.1\r\nHost: files.partner.example\r\nUser-Agent: curl/8.0\r\n\r\n")
    move()
    step(server.read)
    body = (
        b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(14) + b"This program cannot be run in DOS mode.\r\r\n$" + bytes(2000)
    )
    server.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    move()

packets, at, seq = [], 1_772_000_000.0, {"c": 1000, "s": 5000}
ends = {"c": ("10.20.0.21", "203.0.113.40", 50443, 443), "s": ("203.0.113.40", "10.20.0.21", 443, 50443)}


def put(who, flags, data=b""):
    global at
    source, target, sport, dport = ends[who]
    other = "s" if who == "c" else "c"
    macs = ("00:00:5e:00:53:21", "00:00:5e:00:53:01")
    frame = (
        Ether(src=macs[who == "s"], dst=macs[who == "c"])
        / IP(src=source, dst=target, ttl=64 if who == "c" else 55)
        / TCP(sport=sport, dport=dport, flags=flags, seq=seq[who], ack=seq[other] if "A" in flags else 0)
    )
    frame = frame / Raw(data) if data else frame
    at += 0.01
    frame.time = at
    packets.append(frame)
    seq[who] += len(data) + ("S" in flags)


put("c", "S")
put("s", "SA")
put("c", "A")
for who, data in sent:
    for start in range(0, len(data), 1400):
        put(who, "PA", data[start : start + 1400])
        put("s" if who == "c" else "c", "A")
wrpcap(str(here / "session.pcap"), packets)
