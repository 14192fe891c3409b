"""docs/faults.md names tests: each is there."""

import re

from scenario import REPOSITORY, TESTS

PAGE = REPOSITORY / "docs" / "faults.md"


def test_every_test_that_the_page_of_faults_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    there = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert len(named) > 10
    assert named <= there
