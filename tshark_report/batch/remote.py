"""Storage that is reached by URL (s3://, sftp://, memory:// and what else fsspec knows).

fsspec comes with `pip install "tshark-report[cluster]"`, and with `[s3]` and `[sftp]`, which bring the libraries of
these two along; local folders need none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tshark_report.errors import ReportError, UsageError

if TYPE_CHECKING:
    from tshark_report.batch.discover import Found

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_PASSWORD = re.compile(r"^([^/]+://[^/@:]*):[^/]*@")
_EXTRAS = {"s3": "s3", "s3a": "s3", "sftp": "sftp", "ssh": "sftp"}
_CONTENT = ("ETag", "etag", "md5Hash", "content_md5")
"""What storages call the content itself; without any of these it is size and time."""
_CHANGED = ("mtime", "LastModified", "last_modified", "updated", "modified")


def is_url(text: str) -> bool:
    """Does the text name remote storage? A Windows drive does not: its colon is not followed by slashes."""
    return _URL.match(text) is not None


def opened(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path in it.

    Raises:
        UsageError: fsspec, or the library that it needs for this kind of URL, is missing, the URL is none or holds a
            password, or nobody answers there.
    """
    if found := _PASSWORD.match(url):
        raise UsageError(
            "a URL must not hold a password",
            detail=f"{found[1]}:<password>@...",
            causes=("URLs stand in the index, where others would read it",),
            next_step="leave it out: keys and credentials are taken from where the storage's own tools have them",
        )
    extra = _EXTRAS.get(url.partition("://")[0].lower(), "cluster")
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(
            f"a URL needs the {extra} extra",
            detail=f"{url}: {error}",
            causes=("tshark-report was installed without it",),
            next_step=f'pip install "tshark-report[{extra}]"',
        ) from error
    try:
        with talking():
            system, path = fsspec.core.url_to_fs(url, **_options(url))
    except (ImportError, ValueError) as error:
        known = extra != "cluster"
        raise UsageError(
            "this kind of URL cannot be opened",
            detail=f"{url}: {error}",
            causes=("the library for it is not installed: s3fs for s3://, paramiko for sftp://, gcsfs for gs://",),
            next_step=f'pip install "tshark-report[{extra}]"' if known else "pip install gcsfs",
        ) from error
    except OSError as error:
        raise _unreachable(url, error) from error
    return system, path


def _options(url: str) -> dict[str, Any]:
    """What the storage's library is told beyond the URL."""
    if url.partition("://")[0].lower() not in ("sftp", "ssh"):
        return {}
    from fsspec.implementations import sftp

    if not hasattr(sftp, "HOST_KEY_POLICIES"):
        return {}  # an older fsspec, which takes every server for the right one
    from tshark_report.batch.host_keys import Known

    return {"host_key_policy": Known}


@contextmanager
def talking() -> Iterator[None]:
    """Whatever a storage's library raises inside is an OSError outside: each library has errors of its own kind.

    Raises:
        OSError: the storage refused, or did not answer.
    """
    try:
        yield
    except (OSError, ImportError, ValueError, ReportError):
        raise
    except Exception as error:  # botocore's and paramiko's are no OSError
        raise OSError(f"{type(error).__name__}: {error}") from error


def files(root: str, *, but: str = "") -> Iterator[Found]:
    """Captures below a URL, by content; the first bytes of files without a capture's name are read.

    `but` is the URL of the output, which may lie below `root`.

    Raises:
        UsageError: it cannot be opened, or nothing is there.
    """
    from tshark_report.batch import discover

    system, path = opened(root)
    try:
        with talking():
            system.invalidate_cache()
            entries: dict[str, dict[str, Any]] = system.find(path, detail=True)
    except (OSError, ValueError) as error:
        raise _unreachable(root, error) from error
    if not entries:
        raise _unreachable(root, "there is nothing below it")
    before = _before(root, path)
    for name, info in sorted(entries.items()):
        url = before + str(name) if before is not None else str(system.unstrip_protocol(name))
        if but and url.startswith(but.rstrip("/") + "/"):
            continue
        if name != path and discover.NAMED.search(name) is None and not _holds_capture(system, url, name):
            continue
        yield discover.Found(url, int(info.get("size") or 0), _tag(info))


def _holds_capture(system: Any, url: str, name: str) -> bool:
    from tshark_report.batch import discover

    try:
        with talking(), system.open(name, "rb") as file:
            return discover.is_capture(file.read(discover.HEAD))
    except OSError as error:
        raise _unreachable(url, error) from error


def _before(root: str, path: str) -> str | None:
    """What stands before a path to make a URL of it: `s3://`, or `sftp://user@host:2222`.

    fsspec's own way back from a path leaves out host and user.
    """
    stripped, end = root.rstrip("/"), path.rstrip("/")
    if not end:
        return stripped
    return stripped[: len(stripped) - len(end)] if stripped.endswith(end) else None


def _tag(info: Mapping[str, Any]) -> str:
    """What the storage itself says of a content: ETag, or size and time; "" where it says nothing."""
    for name in _CONTENT:
        if info.get(name):
            return f"{name}:{info[name]}"
    for name in _CHANGED:
        if info.get(name):
            return f"{info.get('size')}:{info[name]}"
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
    with talking():
        system.get_file(path, str(target))
