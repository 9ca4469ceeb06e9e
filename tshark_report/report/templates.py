"""Finding the templates, and the user's own ones before ours.

They stand in `templates/` at the top of the repository and, in an installed wheel, inside the
package. A folder given with `--templates` may hold any of our files under its own name; such a
file can extend the one it replaces as `original/NAME` and override single blocks of it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
from functools import cache
from pathlib import Path

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
)
from jinja2.bccache import Bucket
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from tshark_report.errors import RenderFailed, UsageError
from tshark_report.report import formats

_INSTALLED = Path(__file__).resolve().parent.parent / "_templates"
_IN_REPOSITORY = Path(__file__).resolve().parent.parent.parent / "templates"


def folder() -> Path:
    """Where our templates are.

    Raises:
        RenderFailed: the installation lacks them.
    """
    for place in (_INSTALLED, _IN_REPOSITORY):
        if (place / "report.html.j2").is_file():
            return place
    raise RenderFailed(
        "The report's templates are missing from this installation",
        detail=f"looked in {_INSTALLED} and {_IN_REPOSITORY}",
        causes=("the package was copied without its data files",),
        next_step="Install tshark-report again, for example with pipx.",
    )


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates beside their sources, as Python keeps compiled modules: compiling takes 0.08 s.

    Whoever may write there may change the templates themselves. Where this process may not, nothing is kept.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a compiled template; what cannot be read is compiled again."""
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template; a full disk or a lost race is no reason to fail."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled() -> _Compiled | None:
    place = folder() / "__pycache__"
    try:
        place.mkdir(exist_ok=True)
    except OSError:
        return None
    return _Compiled(str(place), "%s.jinja") if os.access(place, os.R_OK | os.X_OK) else None


@cache
def environment(own: Path | None = None) -> Environment:
    """A Jinja2 environment that escapes everything and knows no undefined names.

    Raises:
        UsageError: `own` is not a folder.
        RenderFailed: our own templates are missing.
    """
    ours = FileSystemLoader(folder())
    loaders: list[BaseLoader] = [ours, PrefixLoader({"original": ours})]
    if own is not None:
        if not own.is_dir():
            raise UsageError(
                "--templates does not name a folder",
                detail=str(own),
                causes=("a misspelt name", "a file was named in place of its folder"),
                next_step="name a folder that holds files such as report.html.j2 or brand.css; see docs/look.md",
            )
        loaders.insert(0, FileSystemLoader(own))
    made = Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=False, bytecode_cache=None if own else _compiled(),
    )  # fmt: skip
    made.filters.update(
        count=formats.count,
        size=formats.size,
        duration=formats.duration,
        percent=formats.percent,
        utc=formats.utc,
        to_second=formats.to_second,
        link_name=formats.link_name,
    )
    made.globals.update(
        plural=formats.plural,
        frame_span=formats.frame_span,
        clock_span=formats.clock_span,
        cut_note=formats.cut_note,
        priority_sign=formats.PRIORITY_SIGN,
        confidence_words=formats.CONFIDENCE_WORDS,
        status_words=formats.STATUS_WORDS,
        status_sign=formats.STATUS_SIGN,
        mark_sign=formats.MARK_SIGN,
        mark_words=formats.MARK_WORDS,
    )
    return made


def source(name: str, own: Path | None) -> str:
    """The text of a file that is not a template, such as the style sheet."""
    made = environment(own)
    loader = made.loader
    if loader is None:  # pragma: no cover  (environment() always sets one)
        return ""
    return loader.get_source(made, name)[0]


def fill(name: str, own: Path | None, context: dict[str, object]) -> str:
    """Render a template.

    Raises:
        RenderFailed: a template, most likely one of the user's, has a mistake in it.
    """
    try:
        return environment(own).get_template(name).render(context)
    except TemplateError as error:
        where = f"{error.name}, line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
        raise RenderFailed(
            "A template could not be rendered",
            detail=f"{where}{error.message or error}",
            causes=("a template given with --templates has a mistake",) if own else ("a mistake in tshark-report",),
            next_step="Try again without --templates." if own else "Please report this with the output of --debug.",
        ) from error
