"""Linking over a million places, beside rapidfuzz alone on the same names in the same process: see docs/benchmarks.md.

Run: make bench-linking [PLACES=1000000]. The places are made up, the same on every machine. A mention is the name of a
place as people spoil it: without its branch, with a particle, without spaces, with one syllable wrong. The peer is
process.extractOne over the list of names, which knows no region; it is given few mentions, because each takes seconds.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz import process

from madang.linking.linker import Linker, MentionContext
from madang.linking.opening import index_of_file
from madang.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
WORK = REPOSITORY / ".madang" / "bench" / "linking"
SEED = 20_261_120
MENTIONS = 2_000
PEER_MENTIONS = 8
POSTS = 200
PLACES_OF_A_POST = 6

SYLLABLES = (
    "가나다라마바사아자하고노도로모보소오조호구누두루무부수우주후"
    "기니디리미비시이지히강남동선영인정진현은별달솔온담새봄들숲"
)
KINDS = {
    "cafe": ("카페", "커피", "베이커리", "로스터스"), "restaurant": ("식당", "국수", "갈비", "김밥", "분식"),
    "health": ("의원", "치과", "한의원", "약국"), "convenience": ("마트", "편의점"), "leisure": ("공원", "체육관"),
}  # fmt: skip
BRANDS = 400
BRANCH_SHARE = 0.3
DISTRICTS = 80
DONGS_OF_A_DISTRICT = 15
# Not resource.getrusage: what it says of a process began as its parent's, which holds all made-up places.
_MOST_MEMORY = "int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) // 1024"
PARTICLES = ("에서", "은", "이", "에", "도")


@dataclass(frozen=True)
class Spoilt:
    """A mention and what it means.

    Args:
        text: As a post would write it.
        place: Number of the place.
        district: The post's.
        dong: The post's.
        how: What was done to the name.
    """

    text: str
    place: int
    district: str
    dong: str
    how: str


def make_places(count: int) -> list[dict[str, object]]:
    """Places of Korean names: of the same words on every machine."""
    dice = random.Random(SEED)  # noqa: S311 - made-up data, the same each time
    dongs = [
        (f"{_word(dice, 2)}구", f"{_word(dice, 2)}동", dice.uniform(33.2, 38.0), dice.uniform(126.4, 129.2))
        for _ in range(DISTRICTS) for _ in range(DONGS_OF_A_DISTRICT)
    ]  # fmt: skip
    brands = [(_word(dice, 3), category) for _ in range(BRANDS) for category in [dice.choice(list(KINDS))]]
    places: list[dict[str, object]] = []
    for number in range(count):
        district, dong, lat, lon = dice.choice(dongs)
        if dice.random() < BRANCH_SHARE:
            brand, category = dice.choice(brands)
            name = f"{brand} {dong[:-1]}{dice.choice(['점', '역점', '본점', f'{dice.randint(1, 9)}호점'])}"
        else:
            category = dice.choice(list(KINDS))
            kind = dice.choice(KINDS[category])
            word = _word(dice, dice.randint(2, 4))
            name = dice.choice([f"{word}{kind}", f"{word} {kind}", f"{kind} {word}"])
        places.append({
            "place_id": f"p{number}", "name": name, "category": category,
            "address": f"서울특별시 {district} {dong} {dong[:-1]}로 {dice.randint(1, 400)}",
            "lat": round(lat + dice.uniform(-0.01, 0.01), 6), "lon": round(lon + dice.uniform(-0.01, 0.01), 6),
        })  # fmt: skip
    return places


def make_mentions(places: list[dict[str, object]], count: int) -> list[Spoilt]:
    """Names as people write them."""
    dice = random.Random(SEED + 1)  # noqa: S311
    made = []
    for _ in range(count):
        number = dice.randrange(len(places))
        name = str(places[number]["name"])
        _, district, dong, *_ = str(places[number]["address"]).split()
        how = dice.choice(["as it is", "without spaces", "with a particle", "one syllable wrong", "without its branch"])
        text = name
        if how == "without spaces":
            text = name.replace(" ", "")
        elif how == "with a particle":
            text = name + dice.choice(PARTICLES)
        elif how == "one syllable wrong":
            at = dice.randrange(len(name))
            text = name[:at] + dice.choice(SYLLABLES) + name[at + 1 :]
        elif how == "without its branch" and name.endswith("점"):
            text = name.partition(" ")[0]
        made.append(Spoilt(text, number, district, dong, how))
    return made


def main() -> None:
    """Prints the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--places", type=int, default=1_000_000, help="How many places to make up.")
    count = arguments.parse_args().places
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    directory = WORK / "places.jsonl"
    places = make_places(count)
    with directory.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(place, ensure_ascii=False) + "\n" for place in places)
    settings = Settings(project=REPOSITORY, home=WORK / "home")
    _tell(f"{count:,} made-up places, {directory.stat().st_size / 1e6:.0f} MB of JSON lines")
    _tell(build(settings, directory))
    mentions = make_mentions(places, MENTIONS)
    for line in link_all(settings, directory, mentions):
        _tell(line)
    _tell(peer(places, mentions[:PEER_MENTIONS]))
    _tell(command(directory, places))


def build(settings: Settings, directory: Path) -> str:
    """Seconds and memory of reading the file and building its index, in a process of its own."""
    code = (
        "import sys, time; from pathlib import Path; from madang.settings import Settings; "
        "from madang.linking.opening import index_of_file; "
        "index_of_file(Settings(project=Path(sys.argv[1]), home=Path(sys.argv[2])), Path(sys.argv[3])); "
        f"print(round(time.process_time(), 1), 's of one core, most memory', {_MOST_MEMORY}, 'MB')"
    )
    started = time.perf_counter()
    told = _run("-c", code, str(settings.project), str(settings.home), str(directory))
    return f"read and built in {time.perf_counter() - started:.1f} s: {told.stdout.strip()}"


def link_all(settings: Settings, directory: Path, mentions: list[Spoilt]) -> list[str]:
    """Times of the linker, and how many it answers rightly, by what was done to the name."""
    before = _memory_mb()
    started = time.perf_counter()
    linker = Linker(index_of_file(settings, directory))
    opened = time.perf_counter() - started
    seconds: list[float] = []
    by_how: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for mention in mentions:
        started = time.perf_counter()
        found = linker.link(mention.text, MentionContext(mention.district, mention.dong))
        seconds.append(time.perf_counter() - started)
        linked = found.linked
        by_how[mention.how].append((linked is not None, linked is not None and f"p{mention.place}" in linked.place_ids))
    lines = [
        f"opened in {opened:.2f} s: {linker.index.bytes / 1e6:.0f} MB of mapped arrays, memory after all mentions "
        f"+ {_memory_mb() - before:.0f} MB",
        f"{'madang':24}{_times(seconds)}; {_answered([one for told in by_how.values() for one in told])}",
    ]
    return lines + [f"  {how:22}{_answered(told)}" for how, told in sorted(by_how.items())]


def peer(places: list[dict[str, object]], mentions: list[Spoilt]) -> str:
    """Times of rapidfuzz alone over the list of names."""
    names = [str(place["name"]) for place in places]
    seconds, right = [], 0
    for mention in mentions:
        started = time.perf_counter()
        found = process.extractOne(mention.text, names)
        seconds.append(time.perf_counter() - started)
        right += found is not None and found[0] == names[mention.place]
    return f"{'rapidfuzz extractOne':24}{_times(seconds)}; {right} of {len(mentions)} names right, whichever the place"


def command(directory: Path, places: list[dict[str, object]]) -> str:
    """Seconds and memory of `madang link` over posts that each name some places, the index being there."""
    dice = random.Random(SEED + 2)  # noqa: S311
    posts = WORK / "posts.jsonl"
    with posts.open("w", encoding="utf-8") as file:
        for number in range(POSTS):
            about, *others = dice.sample(places, PLACES_OF_A_POST)
            name = about["name"]
            lines = [f"{name}에 다녀왔어요.", f"주소: {about['address']}", f"{name} 분위기가 참 좋네요."]
            lines += [f"근처에 {other['name']}도 있어요." for other in others]
            told = {"source": "bench", "post_id": f"b{number}", "title": "나들이", "body": "\n".join(lines)}
            file.write(json.dumps(told, ensure_ascii=False) + "\n")
    code = (
        "import sys; from pathlib import Path; from madang.cli import main; main(sys.argv[1:], standalone_mode=False); "
        f"print('most memory', {_MOST_MEMORY}, 'MB', file=sys.stderr)"
    )
    started = time.perf_counter()
    made = _run("-c", code, "link", "--directory", str(directory), "--posts", str(posts), "--json")
    seconds = time.perf_counter() - started
    *_, times, memory = made.stderr.strip().splitlines()
    return f"madang link --json, {POSTS} posts of {PLACES_OF_A_POST} places: {seconds:.1f} s, {memory}; {times}"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MADANG_HOME": str(WORK / "home")}
    command_line = [sys.executable, *arguments]
    return subprocess.run(command_line, check=True, capture_output=True, text=True, env=environment)  # noqa: S603


def _answered(told: list[tuple[bool, bool]]) -> str:
    answered = sum(is_linked for is_linked, _ in told)
    right = sum(is_right for _, is_right in told)
    return f"{answered / len(told):6.1%} of {len(told):5} answered, {right / max(answered, 1):.1%} of them right"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _word(dice: random.Random, length: int) -> str:
    return "".join(dice.choice(SYLLABLES) for _ in range(length))


def _times(seconds: list[float]) -> str:
    half, most = np.percentile(seconds, [50, 99]) * 1_000
    return f"p50 {half:,.2f} ms, p99 {most:,.2f} ms a mention"


def _memory_mb() -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main()
