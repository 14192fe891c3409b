"""Which of DuckDB's errors quote a value, which may be a post's text, and so are told without their message."""

import re

import duckdb

# How functions such as json_extract, strptime and to_timestamp refuse one; damage and wrong statements begin otherwise.
_OF_VALUE = re.compile(r"Invalid Input Error: (Malformed JSON|Could not|Failed to (parse|cast)|Type .* with value)")


def may_quote_value(error: duckdb.Error) -> bool:
    """Whether a cast or a function refused a value."""
    return isinstance(error, duckdb.ConversionException) or _OF_VALUE.match(str(error)) is not None
