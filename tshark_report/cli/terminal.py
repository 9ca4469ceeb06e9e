"""What may go to a terminal: progress for people, and text from the wire made harmless."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def plain(text: str) -> str:
    r"""Text with nothing that a terminal would act on; control characters become `\xNN` or `\uNNNN`."""
    if text.isascii() and text.isprintable():
        return text
    made = []
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and character != "\n":
            code = ord(character)
            made.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
        else:
            made.append(character)
    return "".join(made)


def one_line(text: str) -> str:
    r"""The same, and a newline becomes `\x0a`: a file's name must not look like a further line of ours."""
    return plain(text).replace("\n", "\\x0a")


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on stderr where that is a terminal; nothing at all in a pipe."""
    if not sys.stderr.isatty():
        yield lambda _what, _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(plain(title), total=1.0)

        def show(what: str, share: float) -> None:
            bar.update(task, completed=share, description=f"{plain(title)}: {what}")

        yield show
