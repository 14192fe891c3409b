"""Which of DuckDB's errors may quote a value, which may be a post's text, and so are told without their message."""

import re

import duckdb

# Refusals of a statement itself, of the same class as those of a value.
_OF_STATEMENT = re.compile(r"Invalid Input Error: (Cannot execute|Values were not provided|Attempting to)")


def may_quote_value(error: duckdb.Error) -> bool:
    """Whether a cast, or a function such as json_extract and strptime, refused a value."""
    if isinstance(error, duckdb.InvalidInputException):
        return not _OF_STATEMENT.match(str(error))
    return isinstance(error, duckdb.ConversionException)
