"""Starts bqemulator in its own environment, with what it gets wrong of the documented behaviour put right.

Not imported by tests: `bigquery_emulator` runs it with the emulator's interpreter. Each correction names what the
service's documentation says; what cannot be corrected here is told by the stand-in of tests/proving.
"""
# mypy: ignore-errors

import asyncio
import re
import sys

import bqemulator.server  # noqa: F401 - its modules take functions by name, and are corrected below
import duckdb
from bqemulator.cli import main
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs.executor import _extract_dml_affected_rows
from bqemulator.scripting.exceptions import ScriptRaise
from bqemulator.scripting.interpreter import ScriptInterpreter
from bqemulator.storage import type_map
from duckdb_extensions import import_extension

_ROW_COUNT = re.compile(r"@@row_count", re.IGNORECASE)
_DML = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)

_run, _run_query = ScriptInterpreter.run, ScriptInterpreter._run_query
_columns, _type = type_map.bq_schema_to_duckdb_columns, type_map.bq_to_duckdb
_struct_fields = type_map._parse_struct_fields


async def _run_alone(self, source):
    """A transaction is isolated: the emulator's statements share one connection, so scripts run one by one.

    And what a script raises is its user's error, status 400, not the server's.
    """
    async with _lock:
        try:
            return await _run(self, source)
        except ScriptRaise as error:
            raise InvalidQueryError(str(error.message_override or error)) from error


async def _run_query_counted(self, sql):
    """`@@row_count` is the number of rows that the DML statement before it changed."""
    table = await _run_query(self, _ROW_COUNT.sub(str(getattr(self, "row_count", 0)), sql))
    if _DML.match(sql):
        self.row_count = _extract_dml_affected_rows(table)
    return table


def _columns_quoted(fields):
    """A field of a struct may be called like a word of SQL's, such as `end`."""
    return _columns([
        field | {"fields": [part | {"name": _quoted(part["name"])} for part in field["fields"]]}
        if field.get("fields") else field
        for field in fields
    ])  # fmt: skip


def _type_quoted(kind):
    """The same in SQL."""
    if kind.strip().upper().startswith("STRUCT<"):
        fields = _struct_fields(kind.strip()[len("STRUCT<") : -1])
        return f"STRUCT({', '.join(f'{_quoted(name)} {_type_quoted(part)}' for name, part in fields)})"
    return _type(kind)


def _fields_unquoted(inner):
    """And read back, without the quotes that DuckDB writes where it has to."""
    return [(name.strip('`"'), part) for name, part in _struct_fields(inner)]


def _quoted(name):
    return '"' + name.strip('`"') + '"'


def _put(old, corrected):
    """Puts a function in the place of another in every module that took it by name."""
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()) if module.__name__.startswith("bqemulator") else []:
            if value is old:
                setattr(module, name, corrected)


_lock = asyncio.Lock()
ScriptInterpreter.run = _run_alone
ScriptInterpreter._run_query = _run_query_counted
_put(_columns, _columns_quoted)
_put(_type, _type_quoted)
_put(_struct_fields, _fields_unquoted)

if __name__ == "__main__":
    import_extension("spatial", con=duckdb.connect())
    main()
