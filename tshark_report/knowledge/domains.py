"""Registered domains: the part of a name that somebody registered, by the public suffix list.

The list comes with the `publicsuffixlist` package and is read the first time that a
name is asked about, because reading it takes longer than most reports have time for.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from tshark_report.knowledge import load

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def normal(name: str) -> str:
    """Lower case and without the dot of the root."""
    return name.lower().rstrip(".")


@lru_cache(maxsize=200_000)
def registered_domain(name: str) -> str | None:
    """`www.shop.co.uk` -> `shop.co.uk`; None for a single label and for a public suffix itself.

    A suffix that is on no list (`corp`, `example`) counts as a top-level domain, as the list's own rule says.
    """
    made = _suffixes().privatesuffix(normal(name))
    return made if isinstance(made, str) else None


@lru_cache(maxsize=50_000)
def has_known_suffix(name: str) -> bool:
    """True where the name ends in a suffix that is on the list."""
    return _suffixes().publicsuffix(normal(name), accept_unknown=False) is not None


@lru_cache(maxsize=32)
def _known(table: str) -> frozenset[str]:
    return frozenset(load("dns")[table]["suffixes"])


def within(name: str, suffixes: Iterable[str]) -> str | None:
    """The longest of `suffixes` that is `name` or a domain above it."""
    wanted = suffixes if isinstance(suffixes, frozenset) else frozenset(suffixes)
    rest = normal(name)
    while rest:
        if rest in wanted:
            return rest
        _, _, rest = rest.partition(".")
    return None


def known_as(name: str, table: str) -> str | None:
    """The suffix of knowledge/dns.toml's `table` that `name` falls under, or None."""
    return within(name, _known(table))
