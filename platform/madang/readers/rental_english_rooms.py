"""How large an English rental advert says its home is: bedrooms, bathrooms, square feet.

An advert of a whole building names many homes: where the title does not say which one is let and the body names
several values, none is taken.
"""

import re

from madang.extraction.grounding import PostText
from madang.readers.areas import M2_PER_SQFT
from madang.readers.cues import Cue, cues, first_cue
from madang.readers.found import Found

_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "single": 1}
_COUNT = r"(?:\d{1,2}|one|two|three|four|five|six)"
_SIZE = (
    r"(?:extra[- ])?(?:large|spacious|full|big|huge|nice|cozy|good[- ]sized?|generous|sunny|bright|separate|"
    r"private|decent|oversized)"
)
_ROOM = r"(?:bed(?:room)?s?\b|bedrm|bdrms?\b|bdrs?\b|bds?(?=\b|\d)|brs?(?=\b|\d)|brms?\b|b/r\b|bed(?=/)|bedroom)"
_BEDROOMS = re.compile(
    rf"(?<!\d[.,])(?<!\b\d/)(?<![$\w])(?P<count>{_COUNT})[\s\-,/+]*(?:\(\d\)\s?)?(?:{_SIZE}[\s,]+)?{_ROOM}|"
    rf"\b(?:bed(?:room)?s?|br)\s?:\s?(?P<after>\d)\b|"
    r"(?<![\d/.$])(?P<plain>[1-6])(?:x[1-4](?:\.5)?\b|\s?/\s?[1-4](?:\.5)?\b(?=\s?(?:apartment|apt|house|home|"
    r"townho|unit|condo|flat)))",
    re.IGNORECASE,
)
_HALF = r"(?:\.5|½|\s?1[/⁄]2|\s(?:and|&) (?:a|one) half|-1/2)"
_BATHROOMS = re.compile(
    rf"(?<!\d[.,])(?<!\b\d/)(?<![$\w])(?P<count>{_COUNT})(?P<half>{_HALF})?(?:\.0)?[\s\-]*(?:\(\d\)\s?)?(?:{_SIZE}[\s,]+"
    rf")?(?P<word>half[\s-])?(?:bath(?:room)?s?\b|ba\b|bth\b)|"
    r"\bbath(?:room)?s?\s?:\s?(?P<after>\d(?:\.5)?)\b|"
    r"(?<![\d/.$])[1-6]\s?/\s?(?P<plain>[1-4](?:\.5)?)\b(?=\s?(?:apartment|apt|house|home|townho|unit|condo|"
    r"flat))|[1-6]x(?P<crossed>[1-4](?:\.5)?)\b(?!\s?(?:inch|'))|"
    rf"(?P<full>{_COUNT}) full (?:bath(?:room)?s?)?\s?(?:and|&|,|/|\+)\s?(?P<halves>{_COUNT}|a)[\s-](?:half|1/2)",
    re.IGNORECASE,
)
_BATHS_LISTED = re.compile(rf"(?<![\w/.]){_COUNT}(?:\.5)?\s?(?:,|/|&|-|–|or|and|to)\s?(?:and |or )?$", re.IGNORECASE)
_BATH_AFTER = re.compile(
    rf"^\s?(?:apartment |apt |home |house )?(?:,|/|&|\+|-|–|and|with|\||\.|x|"
    rf"\s)*(?:{_COUNT})(?:\.5)?[\s-]*(?:full |half |1/2 |and a half )?ba",
    re.IGNORECASE,
)
_BED_BEFORE = re.compile(rf"{_ROOM}(?:,|/|&|\+|-|–|and|with|\||\.|x|\s)*$", re.IGNORECASE)
_BEFORE_ANOTHER = re.compile(
    rf"(?<![\w$.#])(?:{_COUNT}|studio|efficiency)(?:\s?{_ROOM}s?)?\s?(?:,|/|&|\+|-|–|or|and|to|\s)+\s?(?:and |"
    rf"or |& )?$",
    re.IGNORECASE,
)
_SQFT = re.compile(
    r"(?<![\d.,$])(?P<size>\d{1,2},\d{3}|\d{3,5})(?:\.\d+)?\s?\+?(?:', ')?[\s-]*(?:sq\.?(?:', ')?[\s.]*(?:ft|"
    r"feet|foot)|square[\s-]*(?:feet|foot|ft|footage)|sf\b|sqft|ft2|sq\b)|"
    r"\b(?:square footage|(?:sq', ')?footage|sq\.? ?(?:ft\.?|feet)|sqft|"
    r"square feet)\s?:(?:', ')?\s?(?P<after>\d{1,2},\d{3}|\d{3,5})",
    re.IGNORECASE,
)
# What else adverts measure: a lot, a basement, one room, what all tenants share.
_NOT_HOME = re.compile(
    r"^[\s\-.]*(?:of (?:retail|office|amenit|outdoor|common|storage)|(?:(?:fully|brand new|new|state-of-the-art|"
    r"large|private|finished|unfinished|fenced|fenced-in|former|open|shared|resort-style|indoor|outdoor|24-hour) )*"
    r"(?:dog|bark|pet|stable|lot\b|basement|yard|back ?yard|gym|fitness|club|lounge|sky|roof|amenit|theat|business|"
    r"community|playground|retail|deck|sundeck|patio|acre|park|center|pool|storage|barn|shed|shop|workshop|warehouse|"
    r"building|garage|living room|great room|family room|bonus room|master|kitchen|bedroom\b|and is a great))",
    re.IGNORECASE,
)
_NOT_HOME_BEFORE = re.compile(
    r"\b(?:basement|adds?|bus|garage|deck|yard|park|lot|additional|extra|same property|larger home|gym|center|club\w*|"
    r"lounge|shed|barn|each|every)\b[^.']{0,30}$",
    re.IGNORECASE,
)
RANGE_BEFORE = re.compile(r"(?:\d\s?(?:-|–|to)|up to|from|over|between)\s?$", re.IGNORECASE)
# Adverts of some boards come as a list of quoted lines.
_SENTENCE = re.compile(r"(?:(?!', |\", )[^\n])+")


def of_this_home(text: PostText) -> PostText:
    """The post without sentences about homes with another number of bedrooms than the title's; length kept."""
    columns = iter(text.parts.items())
    name, title = next(columns)
    own = read_bedrooms(PostText({name: title}))
    if own is None:
        return text
    return PostText(
        {name: title} | {part: _SENTENCE.sub(lambda one: _kept(one.group(), own), body) for part, body in columns}
    )


def _kept(sentence: str, own: Found) -> str:
    counts = [_count(cue) for cue in cues(_BEDROOMS, PostText({"": sentence}))]
    return sentence if not counts or own.value in counts or None in counts else " " * len(sentence)


def read_bedrooms(text: PostText) -> Found | None:
    """Number of bedrooms: beside a number of bathrooms, else anywhere. Listers call a studio none or one: no answer."""
    for part, written in text.parts.items():
        matches = list(cues(_BEDROOMS, PostText({part: written})))
        counted = [(cue, value) for cue in matches if (value := _count(cue)) is not None]
        paired = [(cue, value) for cue, value in counted if _BATH_AFTER.match(cue.after(30))]
        if matches:
            return _only(paired or counted)
    return None


def _count(cue: Cue) -> float | None:
    """Value of a match; None where it is one of a list (1, 2 and 3 bedrooms)."""
    if _BEFORE_ANOTHER.search(cue.before(24)):
        return None
    if re.match(rf"\s?(?:,|/|&|-|–|or|and|to)\s?(?:and |or )?{_COUNT}[\s-]*{_ROOM}", cue.after(24), re.IGNORECASE):
        return None
    number = str(next(value for value in cue.match.groupdict().values() if value))
    return _number(number)


def read_bathrooms(text: PostText) -> Found | None:
    """Number of bathrooms; a half one counts a half."""
    for part, written in text.parts.items():
        column = PostText({part: written})
        matches = list(cues(_BATHROOMS, column))
        counted = [(cue, value) for cue in matches if (value := _bath_count(cue)) is not None]
        paired = [(cue, value) for cue, value in counted if _BED_BEFORE.search(cue.before(30))]
        if matches:
            return _only(paired or counted)
    return None


def _bath_count(cue: Cue) -> float | None:
    """Value of a match; None where it is one of a list, or a half bath alone."""
    if cue.match["full"]:
        halves = cue.match["halves"].lower()
        return _number(cue.match["full"]) + 0.5 * (1 if halves == "a" else _number(halves))
    if cue.match["word"] or _BATHS_LISTED.search(cue.before(10)):
        return None
    value = _number(cue.match["count"] or cue.match["after"] or cue.match["plain"] or cue.match["crossed"])
    return value + 0.5 if cue.match["half"] else value


def _number(written: str) -> float:
    return float(_WORDS.get(written.lower()) or written)


def _only(stated: list[tuple[Cue, float]]) -> Found | None:
    """The value that all matches agree on."""
    if len({value for _, value in stated}) != 1:
        return None
    cue, value = stated[0]
    return Found(value, (cue.span(),))


def read_area(text: PostText) -> Found | None:
    """Floor area in m2 to one decimal."""
    for part, written in text.parts.items():
        sizes: list[tuple[Cue, float]] = []
        is_range = False
        for cue in cues(_SQFT, PostText({part: written})):
            size = float((cue.match["size"] or cue.match["after"]).replace(",", ""))
            if RANGE_BEFORE.search(cue.before(16)):
                is_range = True
            elif 150 <= size <= 12_000 and not (
                _NOT_HOME.match(cue.after(18)) or _NOT_HOME_BEFORE.search(cue.before(40))
            ):
                sizes.append((cue, size))
        if len({size for _, size in sizes}) == 1 and not is_range:
            cue, size = sizes[0]
            return Found(round(size * M2_PER_SQFT, 1), (cue.span(),))
        if sizes:
            return None
    return None


def names_several(text: PostText) -> bool:
    """Whether the title names homes of several sizes, so that a price of the body may be any one's."""
    name, title = next(iter(text.parts.items()))
    column = PostText({name: title})
    return first_cue(_BEDROOMS, column) is not None and read_bedrooms(column) is None
