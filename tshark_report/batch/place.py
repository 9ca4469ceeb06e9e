"""The output of a batch, local or remote: what is in it is whole.

A report is built elsewhere and put into place in one step. Locally that step is a rename of a folder on the same
file system; in remote storage, where every object is written whole, `summary.json` comes last.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tshark_report import scratch
from tshark_report.batch import remote
from tshark_report.errors import RenderFailed, UsageError

REPORTS, FAILURES, TABLES = "reports", "failures", "tables"
"""Folders of an output: a folder and a folder of Parquet for each capture, a JSON file for each failure."""
SUMMARY, SEEN, PATHS = "summary.json", "seen.json", "paths.json"
_WORK = ".work"
SYNCS = 8
"""Files that are written through to the disk at once."""


class Place(Protocol):
    """An output."""

    name: str
    """As the user wrote it."""

    def listing(self, folder: str) -> list[str]:
        """Names in a folder of the output, sorted; none where it does not exist."""

    def read(self, path: str) -> bytes | None:
        """A file of the output; None where it does not exist."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file so that nobody sees half of it."""

    def publish(self, made: Path, path: str) -> None:
        """Put a folder in place; one that is there already is replaced."""

    def remove(self, path: str) -> None:
        """Remove a file or a folder; nothing happens where there is none."""

    def building(self) -> contextlib.AbstractContextManager[Path]:
        """A scratch folder from which `publish` takes no copy if it can."""

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """Hold the output, so that two batches do not write into it at once."""

    def begin(self) -> None:
        """Sweep away what a killed run left half-made. Nobody else may be writing."""

    def end(self) -> None:
        """Leave nothing behind but the output."""


def of(name: str) -> Place:
    """The output that a path or URL names."""
    return Remote(name) if remote.is_url(name) else Local(name)


class Local:
    """An output in a folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(name)

    def listing(self, folder: str) -> list[str]:
        """Names in a folder of the output, sorted."""
        try:
            return sorted(entry.name for entry in os.scandir(self.path / folder) if not entry.name.startswith("."))
        except FileNotFoundError:
            return []

    def read(self, path: str) -> bytes | None:
        """A file of the output; None where it does not exist."""
        try:
            return (self.path / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, path: str, data: bytes) -> None:
        """Write a file beside and rename it."""
        target = self.path / path
        work = self.path / _WORK
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            work.mkdir(exist_ok=True)
            handle, name = tempfile.mkstemp(dir=work)
            beside = Path(name)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            beside.chmod(0o666 & ~_mask())
            beside.replace(target)
        except OSError as error:
            raise RenderFailed(
                "the output cannot be written",
                detail=f"{target}: {error.strerror or error}",
                causes=("you may not write there", "the disk is full"),
                next_step="df -h; ls -ld " + str(self.path),
            ) from error

    def publish(self, made: Path, path: str) -> None:
        """Rename a folder of `building()` into place."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(SYNCS) as several:  # waiting for the disk once, and not for each file of forty
            list(several.map(_sync, (each for each in made.rglob("*") if each.is_file())))
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            with self.building() as aside:
                # A kill between the two renames leaves no report: it is made again, and never half of it is seen.
                target.rename(aside / "replaced")
                made.rename(target)
        _sync(target.parent)

    def remove(self, path: str) -> None:
        """Remove a file or a folder."""
        target = self.path / path
        if target.is_dir():
            # Out of sight at once: a folder that is being deleted is half a report.
            with self.building() as aside:
                target.rename(aside / "removed")
        else:
            target.unlink(missing_ok=True)

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        """A scratch folder on the same file system."""
        work = self.path / _WORK
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def begin(self) -> None:
        """Sweep away what a killed run left."""
        self._make()
        if not os.access(self.path, os.W_OK):
            raise RenderFailed(
                "the output folder is not writable",
                detail=str(self.path),
                next_step="choose another -o",
                causes=("it belongs to somebody else", "the file system is read-only"),
            )
        shutil.rmtree(self.path / _WORK, ignore_errors=True)

    def end(self) -> None:
        """Remove the scratch folder."""
        shutil.rmtree(self.path / _WORK, ignore_errors=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the output, so that two batches do not write into it at once.

        The lock is on the folder itself and goes with the process, however it ends.

        Raises:
            UsageError: another batch holds it.
        """
        self._make()
        try:
            import fcntl
        except ImportError:  # pragma: no cover  (Windows)
            yield
            return
        handle = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise UsageError(
                "another batch is writing into this output",
                detail=str(self.path),
                causes=("a cron job or watch is at work there",),
                next_step=f"wait for it, or choose another -o; who it is: fuser -v {self.path}",
            ) from error
        except OSError:
            pass  # a file system without locks, such as some network ones: go on without
        try:
            yield
        finally:
            os.close(handle)

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RenderFailed(
                "the output folder cannot be made",
                detail=f"{self.path}: {error.strerror}",
                causes=("a file of that name is there", "you may not write there"),
                next_step=f"ls -ld {self.path.parent}",
            ) from error


@cache
def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # not every file system syncs folders
    finally:
        os.close(handle)


class Remote:
    """An output in storage that fsspec reaches."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.system: Any
        self.system, self.root = remote.opened(name)
        self._made: set[str] = set()
        """Folders that are there for certain."""

    def _at(self, path: str) -> str:
        return f"{self.root.rstrip('/')}/{path}"

    @contextlib.contextmanager
    def _using(self, *, absent: bool = False) -> Iterator[None]:
        """With `absent`, that something is not there goes on as it is."""
        try:
            with remote.talking():
                yield
        except (OSError, ValueError) as error:
            if absent and isinstance(error, FileNotFoundError | NotADirectoryError):
                raise
            raise RenderFailed(
                "the output cannot be read or written",
                detail=f"{self.name}: {error}",
                causes=("credentials are missing", "you may not write there", "the storage does not answer"),
                next_step="write a file there with the storage's own program, then run the same command again",
            ) from error

    def listing(self, folder: str) -> list[str]:
        """Names in a folder of the output, sorted."""
        try:
            with self._using(absent=True):
                self.system.invalidate_cache(self._at(folder))
                found = self.system.ls(self._at(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted(str(each).rstrip("/").rsplit("/", 1)[-1] for each in found)

    def read(self, path: str) -> bytes | None:
        """A file of the output; None where it does not exist."""
        try:
            with self._using(absent=True):
                return bytes(self.system.cat_file(self._at(path)))
        except FileNotFoundError:
            return None

    def write(self, path: str, data: bytes) -> None:
        """Write an object."""
        with self._using():
            self._parent(path)
            self.system.pipe_file(self._at(path), data)

    def _parent(self, path: str) -> None:
        # Storages with real folders (sftp) want them made; those without ignore it.
        folder = path.rpartition("/")[0]
        if folder not in self._made:
            self.system.makedirs(self._at(folder).rstrip("/"), exist_ok=True)
            self._made.add(folder)

    def publish(self, made: Path, path: str) -> None:
        """Copy a folder into place, its summary last: without it the report does not count."""
        self.remove(path)
        files = sorted((p for p in made.rglob("*") if p.is_file()), key=lambda p: (p.name == SUMMARY, str(p)))
        with self._using():
            for each in files:
                target = f"{path}/{each.relative_to(made).as_posix()}"
                self._parent(target)
                self.system.put_file(str(each), self._at(target))
        self._made.discard(path)  # ten thousand of them need not be remembered

    def remove(self, path: str) -> None:
        """Remove an object or all below it, the summary first."""
        self._made = {each for each in self._made if each != path and not each.startswith(f"{path}/")}
        for each in (f"{path}/{SUMMARY}", path):
            try:
                with self._using(absent=True):
                    self.system.rm(self._at(each), recursive=each == path)
            except (FileNotFoundError, NotADirectoryError):
                continue

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        """A scratch folder on this machine."""
        with scratch.folder() as folder:
            yield folder

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Storage has no locks: two batches at once make the same reports twice, and both are whole."""
        yield

    def begin(self) -> None:
        """Nothing half-made is ever counted there."""

    def end(self) -> None:
        """Nothing is left there."""
