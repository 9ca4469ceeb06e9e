"""Sessions and flows from packets: who is the client, what is counted, and the protocol that is told."""

from __future__ import annotations

from tests import builders
from tests.builders import CLIENT, OUTSIDE
from tshark_report.tables.sessions import ACK, FIN, RST, SYN, tcp_sessions, udp_flows

BACK = {"src": OUTSIDE, "dst": CLIENT, "src_port": 443, "dst_port": 40000}


def test_a_whole_session() -> None:
    packets = builders.packets(
        {"flags": SYN, "seq": 100},
        {**BACK, "flags": SYN | ACK, "seq": 900},
        {"flags": ACK},
        {"flags": ACK, "payload": 10, "length": 64, "protocol": "TLSv1.3"},
        {**BACK, "flags": ACK, "payload": 30, "length": 84, "protocol": "TLSv1.3"},
        {"flags": FIN | ACK},
        {**BACK, "flags": RST | ACK},
    )
    row = tcp_sessions(packets).row(0, named=True)
    assert (row["client"], row["client_port"], row["server"], row["server_port"]) == (CLIENT, 40000, OUTSIDE, 443)
    assert row["protocol"] == "TLSv1.3"
    assert (row["packets"], row["client_packets"], row["server_packets"]) == (7, 4, 3)
    assert (row["client_bytes"], row["server_bytes"], row["bytes"]) == (60 * 3 + 64, 60 * 2 + 84, 60 * 5 + 148)
    assert (row["client_payload"], row["server_payload"]) == (10, 30)
    assert (row["client_payload_packets"], row["server_payload_packets"]) == (1, 1)
    assert (row["syns"], row["syn_acks"], row["client_fins"], row["server_fins"]) == (1, 1, 1, 0)
    assert (row["client_resets"], row["server_resets"], row["first_reset_frame"]) == (0, 1, 7)
    assert (row["client_isn"], row["server_isn"], row["syn_frame"]) == (100, 900, 1)
    assert (row["rtt_server"], row["rtt_client"], row["rtt"]) == (1.0, 1.0, 2.0)
    assert (row["start"], row["end"], row["seconds"]) == (builders.START, builders.START + 6, 6.0)
    assert (row["established"], row["refused"], row["unanswered"]) == (True, False, False)


def test_the_client_where_the_start_is_missing() -> None:
    packets = builders.packets(
        {**BACK, "stream": 1, "flags": SYN | ACK},
        {**BACK, "stream": 2, "flags": ACK},
        {"stream": 3, "src_port": 50, "dst_port": 60, "flags": ACK},
    )
    rows = tcp_sessions(packets)
    assert rows["stream"].to_list() == [1, 2, 3]
    assert rows["client_port"].to_list() == [40000, 40000, 60]
    assert rows["syns"].to_list() == [0, 0, 0]
    assert rows["syn_frame"].to_list() == [None, None, None]


def test_the_protocol_told_is_the_most_frequent_that_says_more_than_tcp() -> None:
    spoken = ["TCP", "SSH", "SSH", "HTTP", "TCP", "TCP", "TCP"]
    rows = builders.packets(*({"protocol": name} for name in spoken))
    assert tcp_sessions(rows)["protocol"].to_list() == ["SSH"]
    tie = builders.packets({"protocol": "SSH"}, {"protocol": "HTTP"})
    assert tcp_sessions(tie)["protocol"].to_list() == ["HTTP"]
    assert tcp_sessions(builders.packets({}, {}))["protocol"].to_list() == ["TCP"]


def test_bytes_beyond_four_gibibytes() -> None:
    packets = builders.packets({"length": 4_000_000_000, "payload": 3_000_000_000}, {"length": 4_000_000_000})
    row = tcp_sessions(packets).row(0, named=True)
    assert (row["bytes"], row["client_bytes"], row["client_payload"]) == (8_000_000_000, 8_000_000_000, 3_000_000_000)


def test_flows_of_udp() -> None:
    udp = {"transport": "udp", "protocol": "DNS", "flags": None, "src_port": 53, "dst_port": 40000}
    back = {**udp, "src": OUTSIDE, "dst": CLIENT, "src_port": 40000, "dst_port": 53}
    row = udp_flows(builders.packets({**udp, "payload": 90}, {**back, "payload": 30})).row(0, named=True)
    # Port 53 spoke first: it answers a question that the capture does not hold.
    assert (row["client"], row["client_port"], row["server"], row["server_port"]) == (OUTSIDE, 40000, CLIENT, 53)
    assert (row["client_payload"], row["server_payload"], row["packets"]) == (30, 90, 2)
    assert (row["bytes"], row["client_bytes"], row["server_bytes"], row["seconds"]) == (120, 60, 60, 1.0)
    assert row["protocol"] == "DNS"


def test_packets_without_a_stream_or_an_address_make_no_session() -> None:
    packets = builders.packets({"stream": None}, {"src": None}, {"transport": "udp", "stream": 9})
    assert tcp_sessions(packets).is_empty()
    assert udp_flows(packets)["stream"].to_list() == [9]
