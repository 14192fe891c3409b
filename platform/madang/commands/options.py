"""What commands share: options of days, and how an error of ours ends a command."""

import sys
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from madang.errors import InputError, MadangError

if TYPE_CHECKING:
    import polars as pl

    from madang.settings import Settings

_DAY_OPTIONS = (
    click.option("--from", "first", metavar="DAY", help="First partition, YYYY-MM-DD; all by default."),
    click.option("--to", "last", metavar="DAY", help="Last partition, included; today by default."),
)


def guarded(function: Callable[..., None]) -> Callable[..., None]:
    """Turns an error of ours into one line and its exit code; so too where the home cannot be written or read."""

    @wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            try:
                function(*arguments, **options)
            except OSError as error:
                _refuse_home(error)
                raise
        except MadangError as error:
            click.echo(f"madang: {error}", err=True)
            sys.exit(error.exit_code)

    return run


def _refuse_home(error: OSError) -> None:
    """Says what is wrong with the home, where an error is about a file of it.

    Raises:
        InputError: It is.
    """
    from madang.settings import Settings

    if isinstance(error.filename, str) and Path(error.filename).is_relative_to(Settings.load().home):
        raise InputError(error.filename, f"it cannot be used ({error.strerror})",
                         "Make the folder writable, or give another as MADANG_HOME") from error  # fmt: skip


def with_days(function: Callable[..., None]) -> Callable[..., None]:
    """Adds --from and --to."""
    for option in reversed(_DAY_OPTIONS):
        function = option(function)
    return function


def with_only(function: Callable[..., None]) -> Callable[..., None]:
    """Adds --only."""
    told = "File of the posts to take, as `madang choose --write` makes it; all by default."
    return click.option("--only", type=click.Path(path_type=Path), help=told)(function)


def selection_of_file(file: Path | None) -> "pl.DataFrame | None":
    """The posts that --only names; None without it.

    Raises:
        InputError: The file is missing or broken.
    """
    from madang.extraction.selection import read_selection

    return None if file is None else read_selection(file)


def days_of(settings: "Settings", first: str | None, last: str | None) -> tuple[date, date]:
    """The partitions that --from and --to name, both included.

    Raises:
        InputError: One is no day, or they stand in the wrong order.
    """
    from datetime import datetime

    start = _day(first, "--from") or settings.first_day
    end = _day(last, "--to") or datetime.now(settings.zone).date()
    if start > end:
        raise InputError("--from", f"{start} is after --to {end}", "Swap them")
    return start, end


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(option, f"{text!r} is not a day", "Write YYYY-MM-DD") from error
