"""Where a value may stand in a post, and what a student sees of such a stretch.

A stretch never crosses a line, so that what a student points at stands in one text column.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from madang.evaluation.answers import Answer, MentionAnswer, answer_of, folded
from madang.extraction.grounding import PostText
from madang.readers.numbers import amounts_in, numbers_in
from madang.readers.place_candidates import candidates_of, words_of
from madang.readers.places import lowered
from madang.schema.base import FieldKind
from madang.schema.mentions import MentionsField
from madang.schema.number import MAX_QUOTE_CHARS, NumberField
from madang.schema.text import TextField

# A post states what it states long before.
MAX_CHARS = 4_000
_UNIT = re.compile(r"\s?(?:만\s?원|천\s?원|만|원|달러|usd|krw|평|㎡|m²|m2|제곱미터|제곱|sq\.?\s?ft)?", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_NEAR_CHARS = 40
_PIECE = re.compile(r"[가-힣]+|[a-z]+|\d+(?:[.,]\d+)*")
_MOST_PIECES = 3
# A run of Hangul so long may be two words without a space between them.
_JOINED_CHARS = 5


@dataclass(frozen=True)
class Stretch:
    """A stretch at which a head may point.

    Args:
        start: First code point in the turn.
        end: One past the last.
        answer: What a reply says that points at it.
        value: That in the form in which answers are compared.
    """

    start: int
    end: int
    answer: JsonValue
    value: Answer


def stretches_of(turn: str, field: FieldKind) -> list[Stretch]:
    """Every stretch of a post that a field could take its value from.

    Args:
        turn: What a model is shown of the post.
        field: A field of mentions, text, number or money.
    """
    turn = turn[:MAX_CHARS]
    if isinstance(field, TextField | MentionsField):
        small = lowered(turn)
        places = {(one.start, one.end): None for one in candidates_of(words_of(small))}
        if isinstance(field, TextField):
            places |= dict.fromkeys(_pieces(small))
        return [
            Stretch(start, end, turn[start:end], folded(turn[start:end]))
            for start, end in sorted(places)
            if end - start <= field.max_chars
        ]
    if isinstance(field, NumberField) and not field.is_quoted:
        return list(_counts(turn, field))
    return list(_quantities(turn, field))


def _pieces(turn: str) -> Iterator[tuple[int, int]]:
    """Parts of words: one-line adverts join them (4호선창동역3분), and a floor may be a single digit."""
    for word in re.finditer(r"\S+", turn):
        pieces = [(word.start() + one.start(), word.start() + one.end()) for one in _PIECE.finditer(word.group())]
        for first, (start, end) in enumerate(pieces):
            for last in pieces[first : first + _MOST_PIECES]:
                yield start, last[1]
            yield from ((at, end) for at in range(start + 1, end - 1) if end - start >= _JOINED_CHARS)


def mention(text: str, flags: dict[str, bool]) -> MentionAnswer:
    """A mention in the form in which mentions are compared."""
    return MentionAnswer(folded(text), text, None, flags.get("is_review"), flags.get("direction_only"))


def _counts(turn: str, field: NumberField) -> Iterator[Stretch]:
    found = [(one.value, one.start, one.end) for one in numbers_in(turn)]
    for word, value in field.words.items():
        found += [(value, match.start(), match.end()) for match in re.finditer(re.escape(word), turn)]
    for value, start, end in sorted(found, key=lambda one: one[1:]):
        kept = field.of_derived(value)
        if kept.dropped is None:
            plain = int(value) if value.is_integer() else value
            yield Stretch(start, end, plain, answer_of("number", plain))


def _quantities(turn: str, field: FieldKind) -> Iterator[Stretch]:
    text = PostText({"turn": turn})
    for one in sorted(amounts_in(turn), key=lambda one: one.start):
        start = one.start - 1 if turn[one.start - 1 : one.start] == "$" else one.start
        unit = _UNIT.match(turn, one.end)
        end = one.end if unit is None else unit.start() + len(unit.group().rstrip())
        quote = turn[start:end]
        if len(quote) > MAX_QUOTE_CHARS or not quote.strip():
            continue
        value = field.of_answer(quote, text).values[""]
        if isinstance(value, int | float):
            yield Stretch(start, end, quote, answer_of("number", value))


def stretch_features(turn: str, start: int, end: int, order: int) -> Iterator[str]:
    """What a student sees of a stretch and around it.

    Args:
        turn: What a model is shown of the post.
        start: First code point.
        end: One past the last.
        order: How many stretches of the head begin before it; says something where they are numbers.
    """
    inner = lowered(turn[start:end])
    yield f"is {inner}"
    padded = f"^{inner}$"
    for length in (2, 3, 4):
        for at in range(len(padded) - length + 1):
            yield f"in {padded[at : at + length]}"
    shape = re.sub(r"(.)\1+", r"\1", _shape(inner))
    words = inner.split()
    yield f"shape {shape}"
    yield f"words {len(words)} {min(len(inner) // 3, 6)}"
    yield f"first {words[0] if words else ''}"
    yield f"last {words[-1] if words else ''}"
    line_start, line_end = turn.rfind("\n", 0, start) + 1, turn.find("\n", end)
    line_end = len(turn) if line_end < 0 else line_end
    left, right = lowered(turn[max(line_start, start - _NEAR_CHARS) : start]), lowered(turn[end:line_end][:_NEAR_CHARS])
    for length in (1, 2, 3, 4):
        yield f"left{length} {left[-length:]}"
        yield f"right{length} {right[:length]}"
    yield f"shape {shape} right {right[:2]}"
    yield f"shape {shape} left {left[-2:]}"
    yield f"end {inner[-2:]} {right[:1]}"
    before, after = _WORD.findall(left), _WORD.findall(right)
    for distance, word in enumerate(reversed(before[-5:]), 1):
        yield f"before {word}"
        if distance < 3:
            yield f"before{distance} {word}"
    for distance, word in enumerate(after[:5], 1):
        yield f"after {word}"
        if distance < 3:
            yield f"after{distance} {word}"
    yield f"both {before[-1] if before else '^'} {after[0] if after else '$'}"
    yield f"line {min(turn.count(chr(10), 0, start), 2)} {'' if before else 'begins'}"
    yield f"order {min(order, 8)}"
    yield f"order {min(order, 8)} line {min(turn.count(chr(10), 0, start), 2)}"


def _shape(text: str) -> str:
    return "".join(
        "0" if char.isdigit() else "가" if "가" <= char <= "힣" else "a" if char.isalpha() else char for char in text
    )
