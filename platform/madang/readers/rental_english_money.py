"""What an English rental advert costs: rent, deposit and fees among application fees, pet rents and incomes."""

import re
from collections.abc import Iterable

from madang.extraction.grounding import PostText
from madang.readers.cues import Cue, cues, first_cue
from madang.readers.found import Found
from madang.readers.money import Money
from madang.readers.rental_english_rooms import RANGE_BEFORE, names_several

_RANGE_AFTER = re.compile(r"^\s?(?:-|–|to)\s?\$?\d", re.IGNORECASE)
_PRICE = re.compile(
    r"\$\s?(?P<amount>\d{1,2},\d{3}|\d{2,6})(?:\.(?P<cents>\d\d))?(?![\d%]|,\d)|"
    r"(?<![\d.,$/])(?P<bare>\d{3,4}|\d,\d{3})(?:\.00)?\s?(?:/\s?mo(?:nth)?\b|per month|a month|month\b|"
    r"monthly|dollars a month)|"
    r"\brent(?: is|:)\s(?P<named>\d{3,4}|\d,\d{3})(?:\.00)?(?![\d%]|,\d)",
    re.IGNORECASE,
)
_A_MONTH = re.compile(
    r"^\s?(?:\.00)?\s?(?:USD\s?)?\)?(?:/\s?mo|per[\s-]+mo|a\s+month|/\s?month|monthly|each month|p/?m\b|mo\b|"
    r"month\b|rent\b|\+ ?(?:util|elec|gas)|plus (?:util|elec|gas))",
    re.IGNORECASE,
)
_RENT_BEFORE = re.compile(
    r"(?<!pet )(?<!pets )\b(?<!free )(?:rent(?:al)?(?: price| amount| rate| per month)?|rents for|"
    r"price(?:d at)?|asking|leases? (?:for|at)|renting (?:for|at)|monthly(?: rent)?)"
    r"\s?(?:is|of|:|=|-|just|only|for|at|approx(?:imately)?\.?|starting at|starts at|[\s'\",*])*$",
    re.IGNORECASE,
)
_OTHER_MONEY = (
    r"(?:deposit|fees?|application|app|security|pets?|parking|garage|late|save|off|credit|storage|laundry|"
    r"cable|internet|water|gas|electric|utilit\w+|holding|admin\w*|special|bonus|reward|card|HOA|dues|was|"
    r"originally|cleaning|insurance|value|worth|background|total|refundable|finish|free rent|additional|extra|"
    r"plus|sec|or|and|one time|amenity|charge|minimum|under|below|as low as|gross|max|standard|least|between|"
    r"than|average|bill|over)"
)
_NOT_RENT_BEFORE = re.compile(
    rf"\b{_OTHER_MONEY}(?:\s+(?:is|of|are|was|at|for|only|just|an?|the|additional|required|equal to|from|up to|"
    rf"each|per pet|in|to|approximately|about)|[\s:=\-('\",*+/])*$",
    re.IGNORECASE,
)
_NOT_RENT_AFTER = re.compile(
    r"^[\s(*-]{0,4}(?:sec\b|security|deposit|dep\b|app\b|application|fee|(?:non-?)?refund|ref\b|"
    r"pet(?!s?[- ](?:friendly|ok|allowed|welcome))|off\b|per[ -](?:pet|person|adult|applicant|week|night|day|"
    r"bed)|an? (?:week|night|day)|/\s?(?:week|night|day|pet|person|wk)|weekly|nightly|million|k\b|each|extra|"
    r"additional|late|credit|holding|(?:due )?(?:at |upon |to )?move[- ]in|parking|garage|utilit|"
    r"(?:monthly )?(?:building|maintenance|amenity|pet|parking|community) |admin|one[- ]time|value|gift|bonus|"
    r"for (?:parking|pet|water|heat|gas|utilities|the second|each)|buyer|rebate|free|total|with (?:secured|"
    r"street) parking|a year|annual)",
    re.IGNORECASE,
)
_NOT_RENT_SENTENCE = re.compile(
    r"\b(?:income|gross|earn|qualify|looking to|looking for|willing to|could go|spending|rebate|afford|budget|"
    r"credit|most I can|per night|weekly|insurance|lottery|special|bonus|under|below|as low as|invest\w*|"
    r"combined|extra|total|or 1 month|first month|el primer|\d{1,2},\d{3} to move|months?'?s rent)\b",
    re.IGNORECASE,
)
_WANTED = re.compile(r"\b(?:target|budget|afford|looking (?:for|to)|willing to|I can|up to)\b", re.IGNORECASE)
_DEPOSIT_AFTER = re.compile(
    r"(?P<no>\bno (?:security )?deposit\b)|(?<!pet )(?<!pet\()\b(?:security\s)?deposit(?!s?\s(?:is )?(?:requir"
    r"ed for|for) pets?)(?: [\w']+){0,6}?\s?(?:is|of|:|=|-|\()*\s*\$\s?(?P<after>\d{1,2},\d{3}|\d{2,5})|"
    r"\$\s?(?P<before>\d{1,2},\d{3}|\d{2,5})(?:\.00)?\s(?:refundable\s)?(?:security\s|sec\.?\s|"
    r"damage\s)?dep(?:osit)?\b",
    re.IGNORECASE,
)
_MAINTENANCE = re.compile(
    r"\$\s?(?P<before>\d{1,2},\d{3}|\d{2,4})\s(?:a month |monthly )?(?:building|maintenance|HOA|association|"
    r"amenity|common) ?(?:area )?(?:fee|charge|dues)|\b(?:maintenance (?:fee|charge)|HOA(?: dues| fees?)?|"
    r"building fee|association fee|condo fee|common charges?)(?: (?:is|are|"
    r"of))?\s?:?\s?\$\s?(?P<after>\d{1,2},\d{3}|\d{2,4})",
    re.IGNORECASE,
)
# What somebody can pay who looks for a home is no rent.
_SEEKS = re.compile(r"\b(?:wanted|in search of|looking (?:for|to rent)|seeking|iso|need(?:ed)?)\b", re.IGNORECASE)
_SUBLET = re.compile(
    r"\bsub-?(?:let(?:ting)?|leas(?:e|ing))\b(?! (?:is )?not)|\blease (?:take ?over|transfer|assignment)\b|"
    r"\btake over (?:my|our|the) lease\b",
    re.IGNORECASE,
)
_NO_SUBLET = re.compile(r"\bno (?:\w+ )?$|\bnot (?:allow )?$", re.IGNORECASE)
_SALE = re.compile(r"\bfor sale\b(?! or)|\basking \$\d{2,3},\d{3}\b", re.IGNORECASE)
_SHORT = re.compile(
    r"\b(?:short[- ]term (?:rental|lease only|only)|winter rental|seasonal rental|vacation rental|"
    r"summer rental|weekly rental)\b",
    re.IGNORECASE,
)
_RENTAL = re.compile(
    r"\bfor (?:rent|lease)\b|\b(?:per|a) month\b|/\s?mo(?:nth)?\b|\bmonthly rent\b|\brents? (?:is|for|starts|"
    r"from)\b|\brent:|\blease terms?\b|\b(?:12|twelve)[- ]month lease\b|\b(?:1|one)[- ]year lease\b|"
    r"\brental\b",
    re.IGNORECASE,
)


def read_rent(text: PostText) -> Found | None:
    """Rent a month: what is called so, else what is said to be a month's, else a lone price."""
    if first_cue(_SEEKS, PostText(dict(list(text.parts.items())[:1]))) is not None:
        return None
    is_of_many = names_several(text)
    for position, (part, written) in enumerate(text.parts.items()):
        column = PostText({part: written})
        by_kind: dict[str, list[tuple[Cue, float]]] = {"named": [], "monthly": [], "alone": [], "plain": []}
        for cue in cues(_PRICE, column):
            kind, amount = _price_kind(cue), _dollars(cue)
            if kind is not None and 300 <= amount <= 20_000:
                by_kind[kind].append((cue, amount))
        if position and written.count("$") > 1:
            by_kind["plain"].clear()
        for priced in () if position and is_of_many else by_kind.values():
            if len({amount for _, amount in priced}) == 1:
                cue, amount = priced[0]
                return Found(Money(amount, "USD"), (cue.span(_price_group(cue)),))
            if priced:
                return None
    return None


def _price_kind(cue: Cue) -> str | None:
    """How a price is said to be the rent; None if it is something else."""
    before, after = cue.sentence_before(60), cue.after(60)
    if _RANGE_AFTER.match(after) or RANGE_BEFORE.search(before):
        return None
    if _NOT_RENT_AFTER.match(after) or _WANTED.search(before):
        return None
    if cue.match["named"] or _RENT_BEFORE.search(cue.before(40)):
        return "named"
    if _NOT_RENT_BEFORE.search(before) or _NOT_RENT_SENTENCE.search(before):
        return None
    if cue.match["bare"] or _A_MONTH.match(after):
        return "monthly"
    rest = cue.rest_of_sentence(60)
    if not before.strip("*- ") and not rest.strip("*-+ '\"]"):
        return "alone"
    return None if _NOT_RENT_SENTENCE.search(rest) else "plain"


def _price_group(cue: Cue) -> str:
    return next(group for group in ("amount", "bare", "named") if cue.match[group])


def _dollars(cue: Cue) -> float:
    number = cue.match[_price_group(cue)]
    return float(number.replace(",", "")) + float(cue.match["cents"] or 0) / 100


def read_deposit(text: PostText) -> Found | None:
    """The deposit; 0 where none is wanted. A deposit for pets is none."""
    return _first_amount(cues(_DEPOSIT_AFTER, text))


def read_maintenance(text: PostText) -> Found | None:
    """What is paid a month beside the rent for building or association."""
    return _first_amount(cues(_MAINTENANCE, text))


def _first_amount(found: Iterable[Cue]) -> Found | None:
    for cue in found:
        groups = cue.match.groupdict()
        if groups.get("no"):
            return Found(Money(0.0, "USD"), (cue.span("no"),))
        if re.search(r"\bpets?\b", cue.match.group(), re.IGNORECASE) or re.search(
            r"\bpet\s$", cue.before(5), re.IGNORECASE
        ):
            continue
        group = "after" if groups["after"] else "before"
        return Found(Money(float(groups[group].replace(",", "")), "USD"), (cue.span(group),))
    return None


def read_deal_type(text: PostText) -> Found | None:
    """How it is offered."""
    for cue in cues(_SUBLET, text):
        if not _NO_SUBLET.search(cue.before(12)):
            return Found("sublet", (cue.span(),))
    for value, pattern in (("short_term", _SHORT), ("sale", _SALE), ("monthly", _RENTAL)):
        named = first_cue(pattern, text)
        if named is not None:
            return Found(value, (named.span(),))
    return None
