"""Display filters for what grew, and the commands that cut the packets out."""

from __future__ import annotations

import re
import shlex

import polars as pl

from tshark_report.rules.filters import any_of, host, port, quoted
from tshark_report.trends.model import Kind

_LAYER = re.compile(r"[a-z][a-z0-9_.-]*\Z")


def display_filter(kind: Kind, key: str, rows: pl.DataFrame) -> str:
    """Selects the packets of something in any of the captures; empty where no filter can."""
    if kind == "port":
        transport, _, number = key.partition("/")
        return port(transport, int(number))
    if kind in ("client", "server"):
        return host(key) if re.fullmatch(r"[0-9a-fA-F:.]+", key) else ""
    if kind == "name":
        fields = ("dns.qry.name", "tls.handshake.extensions_server_name", "http.host")
        return any_of(*(f"lower({field}) == {quoted(key)}" for field in fields))
    # The Protocol column is no field that can be filtered by; the layer that stands last in most of its packets is.
    layers = rows["protocols"].str.split(":").list.last().mode().sort().to_list() if rows.height else []
    return layers[0] if layers and layers[0] and _LAYER.match(layers[0]) else ""


def command(file_name: str, shown: str, key: str) -> str:
    """Cuts the packets out of one capture; typed where the capture is."""
    target = re.sub(r"[^A-Za-z0-9.-]+", "-", key).strip("-.")[:60] or "packets"
    name = f"./{file_name}" if file_name.startswith("-") else file_name
    return shlex.join(["tshark-report", "carve", name, "--filter", shown, "-o", f"{target}.pcapng"])
