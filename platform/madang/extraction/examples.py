"""Examples of a task's prompt: a post and the answer exactly as the model should write it.

They are written as such, or made of the task's own posts and their gold. Of gold only the part `tune` may be shown:
what is quoted comes from the other part, which no prompt has seen.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from madang.errors import DeclarationError
from madang.posts.masking import mask
from madang.schema import Fields, asked, current_name, reply_model, stated


class Example(BaseModel):
    """One example of the prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    body: str = ""
    answer: dict[str, JsonValue]

    @property
    def masked(self) -> "Example":
        """The same with its text masked, as a post's is."""
        return self.model_copy(update={"title": mask(self.title), "body": mask(self.body)})


def written_examples(file: Path, fields: Fields) -> list[Example]:
    """Reads examples that somebody wrote.

    Args:
        file: JSON lines {title, body, answer}.
        fields: The task's fields.

    Raises:
        DeclarationError: A line is no example; the message names it.
    """
    examples = []
    for number, line in _lines(file):
        place = f"{file}:{number}"
        try:
            written = Example.model_validate(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise DeclarationError(place, f"not an example ({_one_line(error)})",
                                   "Write {title, body, answer}") from error  # fmt: skip
        example = written.model_copy(update={"answer": _named_now(written.answer, fields)})
        _check(example, fields, place)
        examples.append(example)
    return examples


def gold_examples(samples: Path, gold: Path, fields: Fields) -> list[Example]:
    """Makes examples of posts and their gold, which answers null for what a post does not state.

    A post counts only if it is in the part `tune`, and if gold has an answer for every asked field: an example that
    is silent about a field teaches the model to leave it out.

    Args:
        samples: JSON lines of posts.
        gold: JSON lines of answers by the fields' names, with the `post_id` of their post, and its `source` if need be.
        fields: The task's fields.

    Raises:
        DeclarationError: A line is broken, or no post counts.
    """
    from madang.evaluation.sampling import part_of  # an evaluation knows tasks, and a task its examples

    posts = {(str(row.get("source")), str(row["post_id"])): row for _, row in _rows(samples)}
    by_id = {post_id: row for (_, post_id), row in posts.items()}
    examples, unanswered = [], ""
    for number, written in _rows(gold):
        line = _named_now(written, fields)
        post_id, source = str(line["post_id"]), line.get("source")
        post = by_id.get(post_id) if source is None else posts.get((str(source), post_id))
        if post is None or part_of(post_id) != "tune":
            continue
        missing = next((name for name in asked(fields) if name not in line), None)
        if missing is not None:
            unanswered = unanswered or missing
            continue
        example = Example(
            title=str(post.get("title") or ""), body=str(post.get("body") or ""), answer=_answer(line, fields)
        )
        _check(example, fields, f"{gold}:{number}")
        examples.append(example)
    if not examples:
        reason = f" and an answer for {unanswered!r}, which is asked" if unanswered else ""
        raise DeclarationError(
            gold, f"no post of {samples.name} has gold in the part `tune`{reason}",
            "Add such posts, or write examples of your own",
        )  # fmt: skip
    return examples


def _answer(line: Mapping[str, JsonValue], fields: Fields) -> dict[str, JsonValue]:
    """Gold as a reply: a reply leaves out what the post does not state."""
    return {name: line[name] for name in asked(fields) if line[name] not in (None, [])}


def _named_now(answers: Mapping[str, JsonValue], fields: Fields) -> dict[str, JsonValue]:
    """Answers by the names that the fields have now, of answers by any that they had."""
    return {current_name(fields, name): value for name, value in answers.items()}


def _check(example: Example, fields: Fields, place: str) -> None:
    # A field that a reader decides now may be asked again later: its answers stay, and are not shown.
    unknown = sorted(set(example.answer) - set(stated(fields)))
    if unknown:
        raise DeclarationError(place, f"the answer has {unknown[0]!r}, which is not asked", "Correct the key")
    try:
        reply_model("example", fields).model_validate(
            {fields[name].asked_as(name): fields[name].as_asked(answer) for name, answer in example.answer.items()}
        )
    except ValidationError as error:
        raise DeclarationError(place, f"the answer is not valid ({_one_line(error)})", "Correct it") from error


def _rows(file: Path) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    for number, line in _lines(file):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DeclarationError(f"{file}:{number}", f"the line is not JSON ({type(error).__name__})",
                                   "Repair the line") from error  # fmt: skip
        if not isinstance(row, dict) or row.get("post_id") in (None, ""):
            raise DeclarationError(
                f"{file}:{number}", "the line is not an object with a post_id", "Write an object with a post_id"
            )
        yield number, row


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")  # splitlines would cut at a U+2028 in a text
    except UnicodeDecodeError as error:
        raise DeclarationError(file, "not UTF-8", "Save it as UTF-8") from error
    yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
