"""What an English rental advert is about and allows: type, floor, pets, parking, a lift, a station, and from when."""

import re

from madang.extraction.grounding import PostText
from madang.readers.cues import cues, first_cue
from madang.readers.found import Found

_HOUSES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("shop_office", re.compile(
r"\b(?:office space|retail space|shop space|storefront|commercial space|warehouse space)\b", re.IGNORECASE)),
    ("other", re.compile(
r"\broom (?:for rent|available|in (?:a )?(?:shared|house))|\brooms? (?:to|for) (?:rent|let)\b|"
r"\bshared house\b|\broommates? (?:wanted|needed)\b", re.IGNORECASE)),
    (
        "detached_multi_household",
        re.compile(
r"(?<!open )(?<!town )(?<!ware)(?<!club)(?<!club )\b(?:house|bungalow|cottage|cabin)\b(?! (?:rules|"
r"wednesday|by|sunday|saturday|hours|share|on|location|apartment|\d))(?! from)|\bsingle[- ]family\b|"
r"\bbrick home\b|\bbed(?:room)? home\b|\bhome for rent\b|\branch home\b", re.IGNORECASE),
    ),
    ("apartment", re.compile(r"\b(?:apartments?|apts?|condos?|condominium|lofts?|flat)\b", re.IGNORECASE)),
    ("one_room", re.compile(r"\bstudio\b(?<!yoga studio)(?<!fitness studio)(?<!pilates studio)", re.IGNORECASE)),
)  # fmt: skip
_TOWNHOUSE = re.compile(r"\b(?:town ?ho(?:use|me)s?|duplex|triplex|mobile home|manufactured home)\b", re.IGNORECASE)
_NO_PETS = re.compile(
    r"\bno (?:\w+ )?(?:pets?|animals)\b|\bpets? (?:are |is )?not (?:allowed|permitted|accepted)\b|"
    r"\bpets?: ?no(?:ne|t)?\b|\bpets? not ok\b|\bnot? (?:allow|accept)(?:ing)? pets\b|"
    r"\bno smoking[ /,&]+(?:or )?pets\b|\bpet[- ]free\b|\bdoes not allow pets\b|\bpolicy: no\b|"
    r"\bno smok\w+ (?:or|and) (?:no )?pets\b",
    re.IGNORECASE,
)
_PETS = re.compile(
    r"\bpets? (?:are |is |may be )?(?:ok|okay|allowed|welcome|accepted|considered|negotiable|friendly|"
    r"permitted|possible|upon|with|under)\b|\bpet[- ]?(?:friendly|rent|fee|fees|deposit|policy|park|spa|"
    r"addendum|washing)\b|\b(?:dogs?|cats?)(?: (?:and|&|or|/) ?(?:dogs?|cats?))? (?:are |is |would be |"
    r"may be |will be )?(?:ok|okay|allowed|welcome|accepted|friendly|fine|considered)\b|\b(?:dog|"
    r"cat)[- ](?:friendly|park|run)\b|\b(?:accepts?|allows?|welcomes?|consider) (?:small )?(?:pets|cats|dogs|"
    r"both)\b|\bpets?: ?(?:cats?|dogs?|yes|ok)|\bwill consider (?:a )?(?:small )?pets?\b|\bcats only\b|"
    r"\bpark for (?:dogs|pets)\b|\bbark park\b",
    re.IGNORECASE,
)
_NO_DOGS = re.compile(r"\bno (?:\w+ )?dogs?\b", re.IGNORECASE)
_ONE_KIND = re.compile(
    r"\bno dogs\b[^.]{0,20}\bcats? (?:ok|okay|allowed|welcome|fine)|\bcats? (?:are )?(?:ok|okay|allowed|"
    r"welcome|fine|only)[^.]{0,16}\bno dogs\b",
    re.IGNORECASE,
)
_OWN_PARKING = re.compile(
    r"\boff[- ]?street\b|\b(?:attached|detached|heated|underground|covered|indoor|private|"
    r"\w+[- ]car) garages?\b|\bgarages?\b(?! sale)|\bcarports?\b|\bdriveway\b|\b(?:covered|assigned|reserved|"
    r"free|ample|on-?site|private|secure|secured|gated|deeded|plenty of|resident|lot) parking\b|"
    r"\bparking (?:available|included|space|spaces|spot|spots|lot|garage|pad|permit|is|for|on|in)\b|"
    r"\bparking\b|\bpark in the\b",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"(?<!off )(?<!off-)\b(?:on[- ])?street parking\b|\bno parking\b|\bparking: ?(?:street|none|no)\b|"
    r"\bpark(?:ing)? on the street\b|\bon-street\b",
    re.IGNORECASE,
)
_STREET_ONLY = re.compile(
    r"\bstreet parking only\b|\bparking no\b|\bno (?:off[- ]street )?parking\b|\bparking: ?(?:street|none|"
    r"no)\b",
    re.IGNORECASE,
)
_NEARBY = re.compile(r"\b(?:nearby|near|close to|public|paid|valet|bike|bicycle|guest)\s$", re.IGNORECASE)
_ELEVATOR = re.compile(
    r"\b(?P<no>no |without (?:an )?)?elevators?\b(?! music)|\b(?P<walk_up>walk-?up)\b", re.IGNORECASE
)
_FLOOR = re.compile(
    r"\b(?P<floor>basement(?= (?:apartment|apt|unit|suite|studio|\d))|(?:first|second|third|fourth|fifth|"
    r"sixth|top|ground|lower|upper|\d{1,2}(?:st|nd|rd|th))[- ]floor\b)(?! (?:laundry|bath|half|bed|master|"
    r"living|kitchen|plan|washer|powder|den|family|has|features|porch))",
    re.IGNORECASE,
)
_NOT_ON_IT = re.compile(
    r"\b(?:laundry|washer|dryer|bath(?:room)?|bedrooms?|storage|gym|pool|lobby|office)s?(?: (?:is|"
    r"are))?(?: located)? (?:on|in) (?:the )?$",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = (
    rf"(?:(?:(?:early|mid|late|the end of|end of)[ -])?{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?)?(?:,? ?20\d\d)?|"
    rf"\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?|\d{{1,2}}-\d{{1,2}}-\d{{2,4}})(?![\w$])"
)
_AVAILABLE_DATE = re.compile(
    rf"\b(?:available|availability(?: date)?|move[- ]?in(?: date)?|ready|vacant|free|subletting[^.]{{0,40}}?|"
    rf"coming open|starting)\s?(?:to (?:move in|rent)\s?)?(?::|is|for (?:rent|move[- ]?in)|"
    rf"move[- ]?in)?\s?(?:on|as of|by|starting|beginning|-|:|for)?\s?(?P<date>(?:from )?{_DATE})",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"\bavailable (?:for (?:rent|move[- ]?in) )?(?:now|immediately|today|right away)\b|"
    r"\b(?:immediate(?:ly)? (?:occupancy|available|availability|move[- ]?in)|move[- ]?in (?:ready|now|today|"
    r"immediately)|ready (?:now|right away|immediately|to move in|for (?:immediate )?move[- ]?in))\b|"
    r"\bavailab(?:le|ility)(?: date)?: ?(?:now|today)\b|\bvacant now\b",
    re.IGNORECASE,
)
_FLEXIBLE = re.compile(
    r"\b(?:move[- ]?in(?: date)?|availability|start date|dates?) (?:is |are )?(?:flexible|negotiable)\b|"
    r"\bflexible move[- ]?in\b",
    re.IGNORECASE,
)
_STATION = re.compile(r"\b(?P<name>(?:[A-Z0-9][\w.'&-]*\s){1,3}(?:Metro |Train |Subway |Light Rail )?Station)\b")
_NO_STATION = re.compile(
    r"\b(?:Gas|Fire|Police|Fitness|Charging|Car|Pet|Coffee|Work|Waste|Vehicle|EV|Power|Bus|Docking|Grilling|"
    r"BBQ|Train|Spa|Washing|Bike|Cardio|Fueling|Service|Play|Station)\s(?:Metro |Train |Subway )?Station$|"
    r"^(?:The|A|An|Our)\s\w*\s?Station$"
)
_WALK = re.compile(r"\b(?P<minutes>\d{1,2})[\s-]?min(?:ute)?s?[\s-]*(?:walk(?:ing)?|on foot|stroll)\b", re.IGNORECASE)


def read_property_type(text: PostText) -> Found | None:
    """What is let; a town house or duplex is none of the labels."""
    for part, written in text.parts.items():
        column = PostText({part: written})
        if first_cue(_TOWNHOUSE, column) is not None:
            return None
        for label, pattern in _HOUSES:
            cue = first_cue(pattern, column)
            if cue is not None:
                return Found(label, (cue.span(),))
    return None


def read_floor(text: PostText) -> Found | None:
    """The floor as written, where the home and not its laundry stands on it."""
    for cue in cues(_FLOOR, text):
        if not _NOT_ON_IT.search(cue.before(40)):
            return Found(cue.match["floor"], (cue.span("floor"),))
    return None


def read_available(text: PostText) -> Found | None:
    """From when: a day as written, else `immediate`, else `negotiable`."""
    dated = first_cue(_AVAILABLE_DATE, text)
    if dated is not None:
        return Found(dated.match["date"], (dated.span("date"),))
    for value, pattern in (("immediate", _NOW), ("negotiable", _FLEXIBLE)):
        cue = first_cue(pattern, text)
        if cue is not None:
            return Found(value, (cue.span(),))
    return None


def read_pets(text: PostText) -> Found | None:
    """Whether pets are allowed; one kind of them is enough."""
    for value, pattern in ((False, _NO_PETS), (True, _ONE_KIND), (False, _NO_DOGS), (True, _PETS)):
        cue = first_cue(pattern, text)
        if cue is not None:
            return Found(value, (cue.span(),))
    return None


def read_parking(text: PostText) -> Found | None:
    """Whether a car may be parked off the street."""
    only = first_cue(_STREET_ONLY, text)
    if only is not None:
        return Found(False, (only.span(),))
    for cue in cues(_OWN_PARKING, text):
        is_street = re.search(r"(?<!off[ -])street\s$", cue.before(12), re.IGNORECASE)
        if (
            not is_street
            and not _NEARBY.search(cue.before(12))
            and not re.search(r"\bno\s$", cue.before(4), re.IGNORECASE)
        ):
            return Found(True, (cue.span(),))
    street = first_cue(_STREET, text)
    return None if street is None else Found(False, (street.span(),))


def read_elevator(text: PostText) -> Found | None:
    """Whether there is a lift; a walk-up has none."""
    cue = first_cue(_ELEVATOR, text)
    return None if cue is None else Found(not (cue.match["no"] or cue.match["walk_up"]), (cue.span(),))


def read_station(text: PostText) -> dict[str, Found]:
    """The station and the minutes on foot to it, of `near_station` and `walk_minutes` those that are stated."""
    for cue in cues(_STATION, text):
        name = cue.match["name"]
        if _NO_STATION.search(name):
            continue
        found = {"near_station": Found(name, (cue.span("name"),))}
        for walk in cues(_WALK, PostText({cue.part: cue.match.string})):
            if abs(walk.match.start() - cue.match.start()) < 60:
                found["walk_minutes"] = Found(float(walk.match["minutes"]), (walk.span(),))
                break
        return found
    return {}
