import pytest
from quality_page import write_default, write_students


@pytest.fixture
def page(tmp_path):
    """A page on which both parts stand."""
    file = tmp_path / "quality.md"
    write_default(file, ["# Default", "", "## groups", "", "old figures", ""])
    write_students(file, ["How."], {"groups": ["groups first"], "rentals": ["rentals first"]})
    return file


def test_both_parts_stand_on_the_page(page):
    assert page.read_text("utf-8") == (
        "# Default\n\n## groups\n\nold figures\n\n# Students, each alone\n\nHow.\n\n"
        "## Student of groups\n\ngroups first\n\n## Student of rentals\n\nrentals first\n"
    )


def test_measuring_the_default_again_leaves_the_students(page):
    before = page.read_text("utf-8")
    write_default(page, ["# Default", "", "## groups", "", "new figures", ""])

    assert page.read_text("utf-8") == before.replace("old figures", "new figures")


def test_measuring_one_student_again_leaves_the_others(page):
    before = page.read_text("utf-8")
    write_students(page, ["How."], {"rentals": ["rentals second"]})

    assert page.read_text("utf-8") == before.replace("rentals first", "rentals second")


def test_a_student_is_added_in_the_order_of_names(page):
    write_students(page, ["How."], {"places": ["places first"]})
    titles = [line for line in page.read_text("utf-8").splitlines() if line.startswith("## Student")]

    assert titles == ["## Student of groups", "## Student of places", "## Student of rentals"]
