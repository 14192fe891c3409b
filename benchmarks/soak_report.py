"""Writes docs/soak.md from the JUnit file of a soak run: what each long form counted, and how long it took."""

import platform
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree


def main(junit: Path, page: Path) -> None:
    """Reads the JUnit file and writes the page."""
    cases = list(ElementTree.parse(junit).iter("testcase"))  # noqa: S314 - written by our own pytest
    lines = [
        "# The last soak run",
        "",
        f"`make soak` on {datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}. The long forms of the fault "
        "tests; the short ones run in `make test`.",
        "",
        "| test | result | seconds | counted |",
        "|---|---|---|---|",
    ]
    in_all: Counter[str] = Counter()
    for case in cases:
        failed = case.find("failure") is not None or case.find("error") is not None
        result = "FAILED" if failed else "skipped" if case.find("skipped") is not None else "passed"
        figures = {item.get("name", ""): item.get("value", "") for item in case.iter("property")}
        in_all.update({what: int(count) for what, count in figures.items() if count.isdecimal()})
        counted = ", ".join(f"{count} {what}" for what, count in figures.items())
        name = (case.get("name") or "").removeprefix("test_").replace("_", " ")
        lines.append(f"| {name} | {result} | {float(case.get('time') or 0):.0f} | {counted} |")
    if in_all:
        lines += ["", f"In all: {', '.join(f'{count:,} {what}' for what, count in in_all.items())}."]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
