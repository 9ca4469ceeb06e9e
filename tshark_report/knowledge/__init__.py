"""Knowledge as data: TOML files beside this module, each with where it is documented and the date it was put together.

The lists are the project's own selection of what those sources document, not a copy of them.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=32)
def load(name: str) -> dict[str, Any]:
    """The content of `NAME.toml`. Shared between callers: read it, never change it."""
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
