"""What a linear student sees of a post that sells something: which goods it names, by the approved vocabulary.

Only of fields whose classes are the vocabulary's own groups. It shares the words with the goods reader, not its rules:
what the last product of a title says, beside what words for children or women say, is learnt from labels.
"""

from collections.abc import Iterator
from functools import cache

from madang.readers.goods_words import Words, vocabulary
from madang.readers.places import lowered
from madang.schema.base import FieldKind
from madang.schema.label import LabelField

# A post says what it sells long before.
_MOST_CHARS = 400


def names_goods(field: FieldKind) -> bool:
    """Whether most classes of a field are groups of the vocabulary."""
    return isinstance(field, LabelField) and 2 * len(_groups() & set(field.of)) > len(field.of)


def goods_features(turn: str) -> Iterator[str]:
    """What is seen of a post.

    Args:
        turn: What a model is shown of it; its first line is the title.
    """
    title, _, body = lowered(turn[: 2 * _MOST_CHARS]).partition("\n")
    words = vocabulary()
    for column, part in (("title", title), ("body", body[:_MOST_CHARS])):
        named = [words.products[word] for word in _words_in(words.product_words, part, column)]
        for place in named:
            for group, weight in place:
                yield f"goods {column} {group} {weight}"
                yield f"goods {group}"
        strong = [place for place in named if any(weight == "strong" for _, weight in place)]
        for order, places in (("first", strong[:1]), ("last", strong[-1:])):
            yield from (f"goods {order} {column} {group}" for place in places for group, _ in place)
        wearers = {words.wearers[word] for word in _words_in(words.wearer_words, part, column)}
        for wearer in wearers:
            yield f"for {wearer}"
            yield f"for {column} {wearer}"
            yield from (f"goods {group} for {wearer}" for place in named for group, _ in place)
        for word in _words_in(words.brand_words, part, column):
            yield from (f"brand {column} {group}" for group in words.brands[word].leans)


def _words_in(words: Words, part: str, column: str) -> list[str]:
    return [hit.word for hit in words.hits(part, is_title=column == "title")]


@cache
def _groups() -> frozenset[str]:
    return frozenset(group for groups in vocabulary().products.values() for group, _ in groups)
