"""The forms in which people write a place's name: whole, without its branch, without area and kind, in part.

스타벅스 용산점 is the brand 스타벅스 and the branch 용산. Only words that end in 점, or that name the place's own area,
are branches: cutting at every space would make 명동 교자 a branch of 명동.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum

from madang.linking.folding import fold_name
from madang.linking.regions import stem

KINDS = (
    "베이커리", "브런치", "레스토랑", "음식점", "커피숍", "이자카야", "게스트하우스", "편의점", "미용실", "한의원",
    "카페", "커피", "식당", "맛집", "횟집", "펜션", "호텔", "의원", "병원", "치과", "약국", "마트", "헤어", "cafe",
)  # fmt: skip
_BRANCH = re.compile(r"(?:직영|본|지|분|\d{1,3}호)?점$")
_ROUND = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_EXIT = re.compile(r"\s?\d{1,2}\s?번?\s?출구.*$")
_PARTICLE = (
    "에서는|에서도|에서|에는|에도|에|은|는|이랑|랑|이라고|라고|이라는|라는|이란|란|으로|로|이나|나|이|가|을|를|와|과|의|도|만|까지|부터"
    "|하고|보다|처럼|마다|조차|께서|한테|이에요|에요|예요|이예요|입니다|이다|인데요|인데|인|엔|선|등|및|님|네|였어요|이었어요"
)
_PARTICLES = re.compile(f"(?:{_PARTICLE}){{1,2}}$")
_MOST_TOKENS = 6


class Form(IntEnum):
    """How much of a name a form is; lower says more."""

    WHOLE = 0
    BRAND = 1
    CORE = 2
    PART = 3


@dataclass(frozen=True)
class NameForms:
    """A name's forms.

    Args:
        whole: Folded.
        brand: Without the branch; equal to `whole` where there is none.
        branch: Stem of the branch (용산 of 용산점); empty where there is none.
        forms: All folded forms, each with the most telling kind that it has.
    """

    whole: str
    brand: str
    branch: str
    forms: dict[str, Form]


def forms_of(name: str, areas: Collection[str] = (), known: Collection[str] = ()) -> NameForms:
    """Takes a name apart.

    Args:
        name: As the directory or a text writes it.
        areas: Stems of the place's own areas.
        known: Stems of all areas, by which a branch is told where no space parts it from its brand.
    """
    whole = fold_name(name)
    forms: dict[str, Form] = {whole: Form.WHOLE} if whole else {}
    bare = _ROUND.sub(" ", name)
    tokens = [token for token in (fold_name(token) for token in bare.split()) if token]
    _add(forms, "".join(tokens), Form.WHOLE)
    brand, branch = _brand(tokens, areas, known)
    _add(forms, brand, Form.BRAND)
    for core in _cores(brand or whole, areas):
        _add(forms, core, Form.CORE)
    tokens = tokens[:_MOST_TOKENS]
    for start in range(len(tokens)):
        for end in range(start + 1, len(tokens) + 1):
            run = "".join(tokens[start:end])
            if run not in KINDS and run not in areas and not _BRANCH.fullmatch(run):
                _add(forms, run, Form.PART)
    return NameForms(whole, brand or whole, branch, forms)


def mention_forms(mention: str, known: Collection[str] = ()) -> NameForms:
    """The forms by which a mention is looked up: as a name's, without exits and particles.

    A particle is taken off only where the rest is at least two characters: 이마트에서, but 가로수길 stays.
    """
    bare = _EXIT.sub("", mention).strip() or mention
    found = forms_of(bare, (), known)
    forms = dict(found.forms)
    for form in list(forms):
        cut = without_particle(form)
        if cut != form:
            _add(forms, cut, forms[form])
    return NameForms(found.whole, found.brand, found.branch, forms)


def without_particle(word: str) -> str:
    """A word without the particle at its end; itself where less than two characters would be left."""
    found = _PARTICLES.search(word)
    return word[: found.start()] if found and found.start() >= 2 else word


def is_particle(rest: str) -> bool:
    """Whether what follows a name in its word is nothing but particles."""
    return not rest or _PARTICLES.fullmatch(rest) is not None


def is_kind(rest: str) -> bool:
    """Whether what follows a name in its word says what kind of place it is, with or without a particle."""
    return any(rest.startswith(kind) and is_particle(rest[len(kind) :]) for kind in (*KINDS, "주차장", "본점", "점"))


def _add(forms: dict[str, Form], text: str, form: Form) -> None:
    if len(text) > 1 or (text and form is Form.WHOLE):
        forms[text] = min(form, forms.get(text, form))


def _brand(tokens: list[str], areas: Collection[str], known: Collection[str]) -> tuple[str, str]:
    if len(tokens) > 1 and (_BRANCH.search(tokens[-1]) or tokens[-1] in areas):
        branch = _BRANCH.sub("", tokens[-1])
        rest = tokens[:-1]
        if not branch and len(rest) > 1 and (rest[-1] in areas or rest[-1] in known):  # 동문시장 본점
            branch, rest = rest[-1], rest[:-1]
        return "".join(rest), branch
    word = "".join(tokens)
    cut = _BRANCH.search(word)
    if cut is None or len(tokens) > 1:
        return word, ""
    for start in range(2, cut.start() - 1):  # the longest area first
        branch = word[start : cut.start()]
        if not {branch, stem(branch)}.isdisjoint(known) or branch in areas:
            return word[:start], branch
    return word, ""


def _cores(brand: str, areas: Collection[str]) -> Iterator[str]:
    """Without the area before it and the kind of place around it: 제주 카페 온유제 is 온유제."""
    leads = [f"{area}{ending}" for area in areas if area in brand for ending in ("도", "시", "")]
    leads.sort(key=len, reverse=True)
    seen = {brand}
    waiting = [brand]
    while waiting:
        word = waiting.pop()
        cuts = [word.removeprefix(lead) for lead in leads if word.startswith(lead)][:1]
        cuts += [word.removesuffix(area) for area in areas if word.endswith(area)][:1]
        if word.startswith(KINDS):
            cuts += [word.removeprefix(kind) for kind in KINDS if word.startswith(kind)][:1]
        if word.endswith(KINDS):
            cuts += [word.removesuffix(kind) for kind in KINDS if word.endswith(kind)][:1]
        for cut in cuts:
            if len(cut) > 1 and cut not in seen and cut not in KINDS:
                seen.add(cut)
                waiting.append(cut)
                yield cut
