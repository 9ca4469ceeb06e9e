"""Storage that is reached by URL (s3://, sftp://, memory:// and what else fsspec knows).

fsspec comes with `pip install "tshark-report[cluster]"`; local folders do not need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.batch.discover import Found

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(text: str) -> bool:
    """Does the text name remote storage? A Windows drive does not: its colon is not followed by slashes."""
    return _URL.match(text) is not None


def opened(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path in it.

    Raises:
        UsageError: fsspec, or the library that it needs for this kind of URL, is missing, or the URL is none.
    """
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(
            "a URL needs the cluster extra",
            detail=f"{url}: {error}",
            causes=("tshark-report was installed without it",),
            next_step='pip install "tshark-report[cluster]"',
        ) from error
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(
            "this kind of URL cannot be opened",
            detail=f"{url}: {error}",
            causes=("the library for it is not installed: s3fs for s3://, paramiko for sftp://, gcsfs for gs://",),
            next_step="pip install s3fs",
        ) from error
    return system, path


def files(root: str) -> Iterator[Found]:
    """Captures below a URL, by content; the first bytes of each file are read.

    Raises:
        UsageError: it cannot be opened, or nothing is there.
    """
    from tshark_report.batch import discover

    system, path = opened(root)
    try:
        entries = system.find(path, detail=True)
    except (OSError, ValueError) as error:
        raise _unreachable(root, error) from error
    if not entries:
        raise _unreachable(root, "there is nothing below it")
    for name, info in sorted(entries.items()):
        size = int(info.get("size") or 0)
        if name != path and discover.NAMED.search(name) is None:
            with system.open(name, "rb") as file:
                if not discover.is_capture(file.read(discover.HEAD)):
                    continue
        yield discover.Found(str(system.unstrip_protocol(name)), size, _tag(system, name))


def _tag(system: Any, path: str) -> str:
    """What the storage itself calls this content: ETag, or size and time."""
    try:
        return str(system.ukey(path))
    except (NotImplementedError, AttributeError, OSError):
        return ""


def _unreachable(url: str, why: object) -> UsageError:
    return UsageError(
        "the storage cannot be read",
        detail=f"{url}: {why}",
        causes=(
            "the URL is misspelt",
            "credentials are missing: they come from where the storage's own tools take them",
        ),
        next_step=f"python -c \"import fsspec; print(fsspec.open_files('{url}/*'))\"",
    )


def fetch(url: str, target: Path) -> None:
    """Copy a remote file to `target`.

    Raises:
        OSError: it cannot be read.
    """
    system, path = opened(url)
    system.get_file(path, str(target))
