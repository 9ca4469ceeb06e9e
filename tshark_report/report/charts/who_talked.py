"""Who talked to whom: hosts of the home network left, the others right, a line for each pair."""

from __future__ import annotations

import ipaddress
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import htpy
from markupsafe import Markup

from tshark_report.report import formats
from tshark_report.report.addresses import is_group_address, is_home
from tshark_report.report.charts import drawing
from tshark_report.report.model import Conversation, Report

WIDTH = 820.0
LEFT_X = 232.0
RIGHT_X = 588.0
ROW = 28.0
TOP = 40.0
DENSE_TOP, DENSE_SHIFT = 22.0, 66.0
DENSE_LEAST, DENSE_MOST, DENSE_ALL = 14.0, 22.0, 170.0
"""On paper, where the first page is to hold all of it: one line a host, for which the two sides move together. Units
of a row, and of all rows where that is enough."""
LABEL_WIDTH, LONGEST_LINE = 7.0, 40
"""Units that a character of a label takes, and characters that one line of label and note may have."""
MOST_ROWS = 14
"""Hosts drawn one by one on a side; the others are drawn as groups by network."""
MOST_GROUPS = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things stand, in units of the picture."""

    left: float
    right: float
    row: float
    top: float
    dense: bool = False


@dataclass(slots=True)
class Node:
    """A host, or a group of hosts."""

    key: str
    label: str
    note: str
    left: bool
    bytes: int = 0
    involved: bool = False
    """Whether it takes part in a starting point."""
    members: set[str] = field(default_factory=set)
    rank: int = 0
    y: float = 0.0


@dataclass(slots=True)
class Edge:
    """All traffic between two nodes."""

    a: Node
    b: Node
    bytes: int = 0
    packets: int = 0
    marked: bool = False


def talkers(report: Report, *, dense: bool = False) -> Markup | None:
    """The diagram, with one line of text a host where it is `dense`; None where no two addresses talked."""
    pairs = _pairs(report)
    if not pairs:
        return None
    nodes = _nodes(report, pairs)
    headings = _balance(pairs, nodes)
    edges = _edges(report, pairs, nodes)
    rows = max(Counter(node.left for node in {node.key: node for node in nodes.values()}.values()).values())
    frame = _frame(rows, dense=dense)
    sides = _lay_out(nodes, edges, frame)
    height = frame.top + rows * frame.row + (4 if frame.dense else 10)
    heaviest = max(edge.bytes for edge in edges)
    order = sorted(edges, key=lambda edge: (edge.marked, edge.bytes))
    children: list[htpy.Node] = [
        drawing.text(frame.left, 16, headings[0], anchor="end", bold=True),
        drawing.text(frame.right, 16, headings[1], bold=True),
        *[_edge(edge, heaviest, frame) for edge in order],
        *[_node(node, frame) for side in sides for node in side],
    ]
    shown = sum(len(node.members) for side in sides for node in side)
    words = "; ".join(
        f"{edge.a.label} and {edge.b.label}: {formats.size(edge.bytes)}"
        for edge in sorted(edges, key=lambda edge: -edge.bytes)[:10]
    )
    return drawing.picture(
        "talkers",
        WIDTH,
        height,
        "Who talked to whom",
        f"{formats.plural(shown, 'address', 'addresses')}. The busiest pairs: {words}.",
        children,
    )


def _frame(rows: int, *, dense: bool) -> Frame:
    if not dense:
        return Frame(LEFT_X, RIGHT_X, ROW, TOP)
    row = min(max(DENSE_ALL / rows, DENSE_LEAST), DENSE_MOST)
    return Frame(LEFT_X + DENSE_SHIFT, RIGHT_X - DENSE_SHIFT, row, DENSE_TOP, dense=True)


def _pairs(report: Report) -> list[Conversation]:
    conversations = report.statistics.conversations
    internet = [one for one in conversations if one.protocol in ("ipv4", "ipv6")]
    return internet or [one for one in conversations if one.protocol == "ethernet"]


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:8]
    return str(ipaddress.ip_network(f"{address}/{24 if parsed.version == 4 else 48}", strict=False))


def _nodes(report: Report, pairs: list[Conversation]) -> dict[str, Node]:
    """A node for each address: its own, or that of the group it fell into."""
    known = {host.address: host.local for host in report.hosts}
    names = {host.address: host.names[0] for host in report.hosts if host.names}
    ranks: dict[str, int] = {}
    for point in report.starting_points:
        for host in (point.subject, *point.hosts):
            ranks.setdefault(host, point.rank)
    weight: dict[str, int] = defaultdict(int)
    for pair in pairs:
        weight[pair.address_a] += pair.bytes
        weight[pair.address_b] += pair.bytes
    subjects: dict[str, int] = {}
    for point in report.starting_points:
        subjects.setdefault(point.subject, point.rank)
    nodes: dict[str, Node] = {}
    for local in (True, False):
        side = [address for address in weight if not is_group_address(address) and is_home(address, known) is local]
        side.sort(key=lambda address: (ranks.get(address, 99), -weight[address]))
        alone = side if len(side) <= MOST_ROWS else side[: MOST_ROWS - MOST_GROUPS]
        for address in alone:
            nodes[address] = Node(
                address,
                address,
                names.get(address, ""),
                local,
                rank=subjects.get(address, 0),
                involved=address in ranks,
            )
        _group(side[len(alone) :], local, nodes)
    group = Node("group", "multicast, broadcast", "", left=False)
    nodes.update({address: group for address in weight if is_group_address(address)})
    for address, node in nodes.items():
        node.bytes += weight[address]
        node.members.add(address)
    return nodes


def _group(addresses: list[str], local: bool, nodes: dict[str, Node]) -> None:
    networks: dict[str, list[str]] = defaultdict(list)
    for address in addresses:
        networks[_network(address)].append(address)
    largest = sorted(networks.items(), key=lambda item: (-len(item[1]), item[0]))
    for network, members in largest[: MOST_GROUPS - 1]:
        label = f"{len(members):,} more in {network}" if len(members) > 1 else members[0]
        node = Node(f"{local}-{network}", label, "", local)
        nodes.update(dict.fromkeys(members, node))
    others = [address for _, members in largest[MOST_GROUPS - 1 :] for address in members]
    if others:
        node = Node(
            f"{local}-others", f"{len(others):,} more in {len(largest) - MOST_GROUPS + 1:,} networks", "", local
        )
        nodes.update(dict.fromkeys(others, node))


def _balance(pairs: list[Conversation], nodes: dict[str, Node]) -> tuple[str, str]:
    """The headings of the two sides.

    Where one side would be empty (all hosts are at home, or none is), the sides say who opened the conversations.
    """
    unique = {node.key: node for node in nodes.values() if node.key != "group"}
    if len({node.left for node in unique.values()}) == 2:
        return "Home network", "Elsewhere"
    opened: dict[str, int] = defaultdict(int)
    for pair in pairs:
        opened[nodes[pair.address_a].key] += 1
        opened[nodes[pair.address_b].key] -= 1
    for node in unique.values():
        node.left = opened[node.key] > 0
    return "Opened conversations", "Were spoken to"


def _edges(report: Report, pairs: list[Conversation], nodes: dict[str, Node]) -> list[Edge]:
    marked = {
        frozenset(finding.hosts[:2])
        for finding in report.findings
        if len(finding.hosts) >= 2 and finding.priority in ("high", "medium")
    }
    edges: dict[tuple[str, str], Edge] = {}
    for pair in pairs:
        a, b = nodes[pair.address_a], nodes[pair.address_b]
        low, high = sorted((a, b), key=lambda node: (not node.left, node.key))
        edge = edges.setdefault((low.key, high.key), Edge(low, high))
        edge.bytes += pair.bytes
        edge.packets += pair.packets
        edge.marked = edge.marked or frozenset((pair.address_a, pair.address_b)) in marked
    return list(edges.values())


def _lay_out(nodes: dict[str, Node], edges: list[Edge], frame: Frame) -> tuple[list[Node], list[Node]]:
    """Left by importance, right near the left ends of its lines, so that few lines cross."""
    unique = list({node.key: node for node in nodes.values()}.values())
    left = [node for node in unique if node.left]
    right = [node for node in unique if not node.left]
    left.sort(key=lambda node: (node.rank or 99, "more in" in node.label, -node.bytes))
    rows = max(len(left), len(right))
    _space(left, rows, frame)
    pull: dict[str, list[float]] = defaultdict(list)
    for edge in edges:
        if edge.a.left and not edge.b.left:
            pull[edge.b.key].append(edge.a.y)
    right.sort(
        key=lambda node: (
            "more in" in node.label,
            sum(pull[node.key]) / len(pull[node.key]) if pull[node.key] else 1e9,
            -node.bytes,
        )
    )
    _space(right, rows, frame)
    return left, right


def _space(side: list[Node], rows: int, frame: Frame) -> None:
    step = min(frame.row * rows / max(len(side), 1), frame.row * 2)
    for index, node in enumerate(side):
        node.y = frame.top + (index + 0.5) * step


def _edge(edge: Edge, heaviest: int, frame: Frame) -> htpy.Node:
    width = 0.8 + 5.2 * math.log1p(edge.bytes) / math.log1p(heaviest) if heaviest else 1.0
    width = 0.8 if width < 1.4 else width
    tip = f"{edge.a.label} \u2013 {edge.b.label}: {formats.size(edge.bytes)}, {formats.plural(edge.packets, 'packet')}"
    x1 = frame.left + 8 if edge.a.left else frame.right - 8
    x2 = frame.left + 8 if edge.b.left else frame.right - 8
    n = drawing.number
    if edge.a.left == edge.b.left:
        reach = min(30 + abs(edge.a.y - edge.b.y) * 0.6, 150) * (1 if edge.a.left else -1)
        d = f"M{n(x1)} {n(edge.a.y)}C{n(x1 + reach)} {n(edge.a.y)} {n(x2 + reach)} {n(edge.b.y)} {n(x2)} {n(edge.b.y)}"
    else:
        middle = (x1 + x2) / 2
        d = f"M{n(x1)} {n(edge.a.y)}C{n(middle)} {n(edge.a.y)} {n(middle)} {n(edge.b.y)} {n(x2)} {n(edge.b.y)}"
    if edge.marked:
        return drawing.path(d, "red", width, title=f"{tip} (in a finding)", stroke_opacity="0.9")
    return drawing.path(d, "grey", width, title=tip, stroke_opacity="0.55")


def _node(node: Node, frame: Frame) -> htpy.Node:
    x = frame.left if node.left else frame.right
    side: drawing.Anchor = "end" if node.left else "start"
    direction = -1 if node.left else 1
    parts: list[htpy.Node] = []
    tip = f"{node.label} {node.note}: {formats.size(node.bytes)}"
    label = drawing.shorten(node.label, 34)
    room = LONGEST_LINE - len(label) - 9 if frame.dense else 28
    name = drawing.shorten(node.note, room) if room >= min(len(node.note), 8) else ""
    note = " \u00b7 ".join(part for part in (name, formats.size(node.bytes)) if part)
    offset = 12.0
    if node.rank:
        parts.append(drawing.circle(x, node.y, 7.5 if frame.dense else 9, "red", title=tip))
        # White on the dark orange is too faint for a small figure; black is not.
        parts.append(
            drawing.element(
                "text",
                str(node.rank),
                x=x,
                y=node.y + 4,
                font_size=11,
                font_weight="bold",
                text_anchor="middle",
                fill="#000000",
                class_="f-onmark",
            )
        )
    else:
        colour: drawing.Colour = "red" if node.involved else "blue" if node.left else "muted"
        parts.append(drawing.circle(x, node.y, 4.5, colour, title=tip))
        offset = 10.0
    at = x + direction * offset
    if frame.dense:
        beside = at + direction * (len(label) * LABEL_WIDTH + 7)
        parts.append(drawing.text(at, node.y + 4, label, anchor=side, bold=node.involved))
        parts.append(drawing.text(beside, node.y + 4, note, size=9.5, fill="muted", anchor=side))
    else:
        parts.append(drawing.text(at, node.y, label, anchor=side, bold=node.involved))
        parts.append(drawing.text(at, node.y + 11, note, size=9.5, fill="muted", anchor=side))
    return drawing.element("g", parts)
