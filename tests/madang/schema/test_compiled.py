"""What a set of fields compiles to: the same words for the model, the warehouse, Polars, Feast and people."""

import pytest
from pydantic import TypeAdapter, ValidationError

from madang.schema import (
    TaskField,
    asked,
    asked_schema,
    attributes_table,
    feature_columns,
    features_table,
    fields_markdown,
    reply_model,
)

FIELDS = {
    name: TypeAdapter(TaskField).validate_python(options)
    for name, options in {
        "deal": {"kind": "label", "of": ["rent", "sale"], "describe": "rent | sale", "required": True},
        "options": {"kind": "labels", "of": ["bed", "tv"], "max": 2},
        "is_open": {"kind": "flag"},
        "rooms": {"kind": "number", "integer": True},
        "area": {"kind": "number", "unit": "m2"},
        "price": {"kind": "money"},
        "note": {"kind": "text", "max_chars": 9},
        "is_big": {"kind": "flag", "derive": "rooms > 2"},
    }.items()
}
TYPES = {
    "deal": ("VARCHAR", "STRING", "String", "String"),
    "options": ("VARCHAR[]", "ARRAY<STRING>", "List(String)", "Array(String)"),
    "is_open": ("BOOLEAN", "BOOL", "Boolean", "Bool"),
    "rooms": ("BIGINT", "INT64", "Int64", "Float64"),
    "area": ("DOUBLE", "FLOAT64", "Float64", "Float64"),
    "price": ("DOUBLE", "FLOAT64", "Float64", "Float64"),
    "price__currency": ("VARCHAR", "STRING", "String", "String"),
    "note": ("VARCHAR", "STRING", "String", "String"),
    "is_big": ("BOOLEAN", "BOOL", "Boolean", "Bool"),
}
CONFIDENCE = ("DOUBLE", "FLOAT64", "Float64", "Float64")


def test_the_asked_schema_keeps_declared_order_and_leaves_derived_fields_out() -> None:
    schema = asked_schema(FIELDS)

    assert list(schema["properties"]) == ["deal", "options", "is_open", "rooms", "area", "price", "note"]
    assert {key: schema[key] for key in ("type", "required", "additionalProperties")} == {
        "type": "object", "required": ["deal"], "additionalProperties": False,
    }  # fmt: skip
    assert list(asked(FIELDS)) == list(schema["properties"])


def test_each_column_has_its_type_in_every_system() -> None:
    found = {
        column.name: (column.type.duckdb, column.type.bigquery, str(column.type.polars), column.type.feast)
        for column in feature_columns(FIELDS)
    }

    assert found == TYPES | {f"{name}__confidence": CONFIDENCE for name in asked(FIELDS)}


def test_the_attributes_table_holds_each_field_with_its_confidence_and_evidence() -> None:
    table = attributes_table("flats", FIELDS)
    own = [column.name for column in table.columns][13:]

    assert table.name == "attributes.flats"
    assert table.key == ("source", "post_id", "content_hash", "recipe")
    assert own == [
        "deal", "deal__confidence", "deal__evidence", "options", "options__confidence", "options__evidence",
        "is_open", "is_open__confidence", "is_open__evidence", "rooms", "rooms__confidence", "rooms__evidence",
        "area", "area__confidence", "area__evidence", "price", "price__currency", "price__confidence",
        "price__evidence", "note", "note__confidence", "note__evidence", "is_big",
    ]  # fmt: skip


def test_evidence_is_a_list_of_spans_in_both_dialects() -> None:
    [evidence] = [
        column.type for column in attributes_table("flats", FIELDS).columns if column.name == "deal__evidence"
    ]

    assert evidence.duckdb == 'STRUCT("field" VARCHAR, "start" BIGINT, "end" BIGINT)[]'
    assert evidence.bigquery == "ARRAY<STRUCT<field STRING, start INT64, `end` INT64>>"


def test_the_features_table_is_keyed_by_entity_and_moment_and_holds_no_evidence() -> None:
    table = features_table("flats", "flat", FIELDS)
    names = [column.name for column in table.columns]

    assert names[:5] == ["flat_id", "event_at", "recipe", "extracted_at", "day"]
    assert table.key == ("flat_id", "event_at", "recipe", "extracted_at")
    assert not [name for name in names if name.endswith("__evidence")]


def test_a_reply_model_takes_null_as_unstated_and_ignores_unknown_keys() -> None:
    reply = reply_model("flats", FIELDS).model_validate({"deal": "rent", "rooms": None, "colour": "red"})

    assert reply.model_dump() == {
        "deal": "rent", "options": None, "is_open": None, "rooms": None, "area": None, "price": None, "note": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("deal", "lease"), ("deal", ["rent"]), ("options", ["bed", "sofa"]), ("options", ["bed", "tv", "bed"]),
        ("options", "bed"), ("is_open", "yes"), ("is_open", 1), ("rooms", 1.5), ("rooms", "two"), ("area", 23.1),
        ("price", 500), ("note", {"text": "x"}),
    ],
)  # fmt: skip
def test_a_reply_model_refuses_what_the_schema_does_not_allow(name: str, answer: object) -> None:
    with pytest.raises(ValidationError) as error:
        reply_model("flats", FIELDS).model_validate({name: answer})

    assert {item["loc"][0] for item in error.value.errors()} == {name}


def test_the_markdown_page_has_one_row_a_field() -> None:
    page = fields_markdown(FIELDS).splitlines()

    assert page[:3] == [
        "| field | kind | column | from | meaning |",
        "|---|---|---|---|---|",
        "| deal | label | VARCHAR | asked | rent / sale (rent, sale) |",
    ]
    assert page[-1] == "| is_big | flag | BOOLEAN | `rooms > 2` |  |"
    assert len(page) == 10
