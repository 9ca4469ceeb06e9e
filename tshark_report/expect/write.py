"""The first expectation file, written from what a capture shows, for a person to edit."""

from __future__ import annotations

from collections.abc import Iterable

import tomlkit
from tomlkit.items import Array, Table

from tshark_report.expect.model import VERSION
from tshark_report.expect.observe import Host

HEAD = """Expected state of a network, written by tshark-report from {name}.
Edit it, then: tshark-report report CAPTURE --expect THIS_FILE

Each [[host]] is one host, or every host of a network that has no entry of its own (address = "10.0.0.0/24").
A list that is left out is not checked. Entries may hold *: "tcp/*", "*.example", "*".
  offers    services that others got an answer from; one that is listed and not seen is missing
  uses      services that the host got an answer from
  reaches   registered domains, or addresses without a name, outside of the home networks
  must_be_seen = false   for a host that is not always there"""


def written(name: str, hosts: Iterable[Host]) -> str:
    """The file as TOML, with its own explanation on top; text from the wire is escaped as TOML asks."""
    document = tomlkit.document()
    for line in HEAD.format(name=_plain(name)).splitlines():
        document.add(tomlkit.comment(line) if line else tomlkit.nl())
    document.add(tomlkit.nl())
    document["version"] = VERSION
    document.add(tomlkit.comment("true: a home host without an entry is unexpected"))
    document["only_these"] = True
    rows = tomlkit.aot()
    for host in hosts:
        rows.append(_table(host))
    if len(rows):
        document["host"] = rows
    return tomlkit.dumps(document)


def _plain(text: str) -> str:
    """A file name that may stand in a comment: a control character would end it."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _table(host: Host) -> Table:
    made = tomlkit.table()
    made["address"] = host.address
    if host.names:
        made["name"] = host.names[0]
    made["role"] = host.role
    if host.macs:
        made["mac"] = _array(host.macs)
    made["offers"] = _array(sorted(host.offers))
    made["uses"] = _array(sorted(host.uses))
    made["reaches"] = _array(sorted(host.reaches))
    return made


def _array(values: Iterable[str]) -> Array:
    made = tomlkit.array()
    several = list(values)
    made.extend(several)
    return made.multiline(len(several) > 6)
