"""Starts bqemulator in its own environment, with what it gets wrong of the documented behaviour put right.

Not imported by tests: `bigquery_emulator` runs it with the emulator's interpreter. Each correction names what the
service's documentation says; what cannot be corrected here is told by the stand-in of tests/proving.
"""
# mypy: ignore-errors

import asyncio
import re
import sys
from contextvars import ContextVar

import bqemulator.server  # noqa: F401 - its modules take functions by name, and are corrected below
import duckdb
from bqemulator.api.routes import upload
from bqemulator.catalog import ddl_sync
from bqemulator.cli import main
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs.executor import _extract_dml_affected_rows
from bqemulator.scripting.exceptions import ScriptRaise
from bqemulator.scripting.interpreter import ScriptInterpreter
from bqemulator.storage import type_map
from duckdb_extensions import import_extension

_ROW_COUNT = re.compile(r"@@row_count", re.IGNORECASE)
_TEMPORARY = re.compile(r"\s*CREATE\s+TEMP(?:ORARY)?\s+TABLE\s+(?P<name>\w+)", re.IGNORECASE)
_ALTER = re.compile(
    r"\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?P<table>[`\w.-]+)(?:\s+RENAME\s+TO\s+`?(?P<to>\w+))?", re.IGNORECASE
)
_DML = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_CHANGED = re.compile(r"\s*(?:MERGE INTO|UPDATE|DELETE FROM|INSERT INTO) `([^`]+)`\.`([^`]+)`\.`([^`]+)`")

_run, _run_query = ScriptInterpreter.run, ScriptInterpreter._run_query
_columns, _type = type_map.bq_schema_to_duckdb_columns, type_map.bq_to_duckdb
_sync = ddl_sync.sync_dropped_object
_struct_fields = type_map._parse_struct_fields
_configuration, _id = upload._load_configuration_from_envelope, upload._new_job_id
_asked = ContextVar("asked", default=None)


async def _run_alone(self, source):
    """A transaction is isolated: the emulator's statements share one connection, so scripts run one by one.

    And what a script raises is its user's error, status 400, not the server's; its temporary tables end with it, and
    time travel knows what it changed.
    """
    self.temporary, self.changed = [], set()
    async with _lock:
        try:
            result = await _run(self, source)
            for table in self.changed:
                self._ctx.snapshots.record_change(*table)
            return result
        except ScriptRaise as error:
            raise InvalidQueryError(str(error.message_override or error)) from error
        finally:
            for name in self.temporary:
                await _run_query(self, f"DROP TABLE IF EXISTS {name}")


async def _run_query_counted(self, sql):
    """`@@row_count` is the number of rows that the DML statement before it changed."""
    if found := _TEMPORARY.match(sql):
        self.temporary.append(found["name"])
    if (found := _CHANGED.match(sql)) and found[3] != "warehouse_lock":
        self.changed.add(found.groups())
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


def _sync_altered(sql, project, context):
    """A table has the columns, and the name, that ALTER TABLE gave it."""
    _sync(sql, project, context)
    if (found := _ALTER.match(sql)) is None:
        return
    *named, dataset, table = found["table"].replace("`", "").split(".")
    project = named[0] if named else project
    known = context.catalog.get_table(project, dataset, table)
    if known is None:
        return
    name = found["to"] or table
    changed = {"table_id": name, "schema_": ddl_sync._introspect_schema(project, dataset, name, context)}
    if name != table:
        context.catalog.delete_table(project, dataset, table)
        context.catalog.create_table(known.model_copy(update=changed))
    else:
        context.catalog.update_table(known.model_copy(update=changed))


def _configuration_named(envelope):
    """A load that comes in one request has the id that its client gave it."""
    _asked.set(envelope.get("jobReference", {}).get("jobId"))
    return _configuration(envelope)


def _new_id():
    return _asked.get() or _id()


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
_put(_sync, _sync_altered)
_put(_configuration, _configuration_named)
_put(_id, _new_id)
# The client of google-cloud-bigquery says no more of a file's type than this.
upload._PERMITTED_MEDIA_CONTENT_TYPES = (*upload._PERMITTED_MEDIA_CONTENT_TYPES, "*/*")

if __name__ == "__main__":
    import_extension("spatial", con=duckdb.connect())
    main()
