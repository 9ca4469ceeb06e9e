"""Terms that a report may use, explained for a reader who is no network analyst."""

from __future__ import annotations

import re

TERMS: dict[str, str] = {
    "ARP": "Address Resolution Protocol: how a host learns which network card an IP address belongs to.",
    "beacon": "A message that a program sends home regularly. Update checks, telemetry and remote control all do it.",
    "certificate": "What a TLS server shows to say who it is. Self-signed: nobody else vouches for it.",
    "conversation": "All packets between two endpoints; for TCP and UDP the ports count too.",
    "defanged": "Written so that nothing turns it into a link: hxxp and [.] in place of http and a dot.",
    "display filter": "An expression for Wireshark's filter bar that shows only the packets it matches.",
    "DNS": "Domain Name System: turns a name into an address.",
    "duplicate ACK": "A receiver repeats its last acknowledgement, as a segment is missing or out of order.",
    "dynamic-DNS": "A service that gives a name to an address that changes, such as that of a home line.",
    "expert information": "What Wireshark's own dissectors found noteworthy while decoding.",
    "fast flux": "One name with many, often changing addresses of short lifetime. Large sites do it too.",
    "frame": "One packet of the capture, by its number in the file.",
    "handshake": "The three packets (SYN, SYN/ACK, ACK) that open a TCP session.",
    "ICMP": "Internet Control Message Protocol: ping, and the messages that say why a packet did not arrive.",
    "initial sequence number": "The random number at which each side of a TCP session starts to count its bytes.",
    "IP ID": "A number in the IPv4 header that keeps fragments together; its pattern tells senders apart.",
    "JA3": "A fingerprint of how a program opens TLS; the same program gives the same value.",
    "MAC": "The hardware address of a network card, seen only on the local network.",
    "NXDOMAIN": "The DNS answer that a name does not exist.",
    "payload": "What a packet carries for a program, without the headers that brought it there.",
    "reset": "A TCP packet (RST) that ends a session at once, or refuses it.",
    "retransmission": "A TCP segment sent again because its acknowledgement did not come in time.",
    "round trip": "The time from sending something to its acknowledgement: what the network alone takes.",
    "SMB": "Server Message Block: Windows file sharing.",
    "SYN": "The first packet of a TCP session: the request to open it.",
    "TLS": "Transport Layer Security: encryption, as in https.",
    "TTL": "In IP, the routers a packet may still cross; in DNS, the seconds for which an answer may be kept.",
    "User-Agent": "The name by which a program says to a web server what it is. It can say anything.",
    "VLAN": "A network of its own on shared cables and switches, told apart by a number in each frame.",
    "zero window": "A receiver saying that it has no room: its program does not read fast enough.",
}


def used_in(text: str) -> list[tuple[str, str]]:
    """The terms that occur in `text`, with their explanations, in alphabetical order."""
    lowered = text.lower()
    # Finding a plain text is a hundred times quicker than the pattern, and most terms are not there.
    there = [term for term in TERMS if (term in text if term.isupper() else term.lower() in lowered)]
    return [(term, TERMS[term]) for term in there if _pattern(term).search(text)]


def _pattern(term: str) -> re.Pattern[str]:
    flags = 0 if term.isupper() else re.IGNORECASE
    return re.compile(rf"\b{re.escape(term)}s?\b", flags)
