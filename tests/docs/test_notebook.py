"""docs/listings.ipynb, cell by cell on the sample posts. No kernel: its cells are plain Python."""

import ast
import json
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from docs.pages import folder
from scenario import Project

NOTEBOOK = json.loads((folder() / "listings.ipynb").read_text(encoding="utf-8"))


def _shown(notebook: dict) -> Iterator[object]:
    """What each code cell shows: the value of its last line."""
    names: dict[str, object] = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        body = ast.parse("".join(cell["source"])).body
        last = body.pop() if isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), cell["id"], "exec"), names)
        yield None if last is None else eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)


def test_the_notebook_goes_from_a_question_to_a_chart(town: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, town.environment[name])

    summary, left_out, chart = _shown(NOTEBOOK)

    assert summary["listings"].item() == town.rows("SELECT count(*) FROM attributes.rentals__live")[0][0]
    drawn = ElementTree.fromstring(chart._repr_svg_())
    assert len(drawn.findall("{*}rect")) == left_out.height > 0
    assert left_out["left_out_share"].is_between(0, 1).all()


def test_it_is_stored_without_what_a_run_showed() -> None:
    assert [cell["id"] for cell in NOTEBOOK["cells"] if cell.get("outputs")] == []
