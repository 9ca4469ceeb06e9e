"""Which name an address went by in this capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from tshark_report.tables.tables import Tables


def names_of(tables: Tables) -> dict[str, str]:
    """Address -> the name by which a client reached it.

    The TLS server name or HTTP host that was sent to an address wins over a DNS answer that named it, because several
    names may share an address; names that are addresses themselves do not count.
    """
    found: dict[str, str] = {}
    # Anybody on a link may answer LLMNR, so its answers name nobody.
    dns = tables.dns.filter(pl.col("response") & pl.col("name").is_not_null() & (pl.col("protocol") != "LLMNR"))
    for kind in ("a", "aaaa"):
        pairs = dns.select("name", kind).filter(pl.col(kind).list.len() > 0).explode(kind)
        for name, address in pairs.unique(maintain_order=True).iter_rows():
            if address and name:
                found.setdefault(address, name)
    http = tables.http.filter(pl.col("host").is_not_null() & (pl.col("protocol") != "SSDP"))
    for address, host in http.select("dst", "host").unique(maintain_order=True).iter_rows():
        bare = (host or "").rsplit(":", 1)[0] if (host or "").count(":") == 1 else host or ""
        if address and bare and not bare.replace(".", "").isdigit() and ":" not in bare:
            found[address] = bare
    tls = tables.tls.filter(pl.col("server_name").is_not_null())
    for address, name in tls.select("dst", "server_name").unique(maintain_order=True).iter_rows():
        if address and name:
            found[address] = name
    return found
