import json

import pytest
from click.testing import CliRunner
from sales import MARKET, write_sales
from scenario import write_task

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from madang.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`madang distil market` in a project of its own, on files of 120 posts, with more options."""
    write_task(tmp_path / "assets" / "market", MARKET)
    monkeypatch.setenv("MADANG_PROJECT", str(tmp_path))
    monkeypatch.setenv("MADANG_HOME", str(tmp_path / "home"))
    posts, answers = write_sales(tmp_path, 120)

    def distil(*options):
        command = ["distil", "market", "--files-only", "--field", "kind", "--teacher", str(answers), *options]
        return CliRunner().invoke(main, [*command, "--posts", str(posts)])

    return distil


def test_a_student_of_clear_labels_is_released(run):
    done = run()

    assert done.exit_code == 0
    assert "market@1 is released" in done.output


def test_corrections_are_learnt_from(run, tmp_path):
    corrections = tmp_path / "put_right.jsonl"
    corrections.write_text("".join(json.dumps({"post_id": f"s{one}", "kind": "book"}) + "\n" for one in range(3)))
    done = run("--correction", str(corrections))

    assert "Learnt from 120 posts (3 by correction, 117 by teacher)" in done.output


def test_files_of_posts_must_fit_the_files_of_labels(run, tmp_path):
    corrections = tmp_path / "put_right.jsonl"
    corrections.write_text('{"post_id": "s1", "kind": "book"}\n')
    done = run("--correction", str(corrections), "--posts", str(corrections), "--posts", str(corrections))

    assert done.exit_code == 2
    assert "3 files for 2 of labels" in done.output
