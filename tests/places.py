"""The places that tests of linking share: a small made-up directory, of two districts and an island."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from madang.linking.directory import read_places, version_of
from madang.linking.index import PlaceIndex

PLACES: tuple[dict[str, object], ...] = (
    {"place_id": "yongsan", "name": "달빛커피 용산점", "address": "서울특별시 용산구 한강로동 한강대로 10",
     "lat": 37.5299, "lon": 126.9648, "category": "cafe"},
    {"place_id": "mapo", "name": "달빛커피 망원점", "address": "서울특별시 마포구 망원1동 망원로 22",
     "lat": 37.5560, "lon": 126.9010, "category": "cafe"},
    {"place_id": "onyu", "name": "카페 온누리재", "address": "제주특별자치도 서귀포시 남원읍 태신로 7 1층",
     "lat": 33.2790, "lon": 126.7200, "category": "cafe"},
    {"place_id": "noodle-mapo", "name": "할매국수", "address": "서울특별시 마포구 망원1동", "category": "restaurant",
     "lat": 37.5562, "lon": 126.9020},
    {"place_id": "noodle-jeju", "name": "할매국수", "address": "제주특별자치도 제주시 연동 신대로 5",
     "category": "restaurant", "lat": 33.4890, "lon": 126.4980},
    {"place_id": "clinic", "name": "햇살이비인후과의원", "address": "서울특별시 용산구 이촌1동", "category": "health",
     "lat": 37.5200, "lon": 126.9700},
    {"place_id": "pond", "name": "물빛천지", "address": "제주특별자치도 서귀포시 보목동 1400",
     "lat": 33.2396, "lon": 126.5921},
    {"place_id": "grill", "name": "화로마을이도이동점", "address": "제주특별자치도 제주시 이도이동 연북로 685 1층",
     "lat": 33.4900, "lon": 126.5300, "category": "restaurant"},
    {"place_id": "jeju", "name": "제주", "address": "제주특별자치도 제주시", "lat": 33.5, "lon": 126.5},
)  # fmt: skip

# A post that leaves no doubt which place it is about, whatever the model's weights.
ABOUT_POND = {
    "title": "물빛천지 나들이",
    "body": "물빛천지는 좋아요.\n주소 서귀포시 보목동 1400\n" + "물빛천지에서 놀고 물빛천지 사진도 찍었어요.\n" * 4,
    "hashtags": ["#물빛천지"],
}


def write_places(file: Path, places: Sequence[Mapping[str, object]] = PLACES) -> Path:
    """A file of JSON lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(place, ensure_ascii=False) + "\n" for place in places), encoding="utf-8")
    return file


def place_frame(folder: Path, places: Sequence[Mapping[str, object]] = PLACES) -> pl.DataFrame:
    """Places as they are read from a file."""
    return read_places(write_places(folder / "places.jsonl", places))


def place_index(folder: Path, places: Sequence[Mapping[str, object]] = PLACES) -> PlaceIndex:
    """An index over places."""
    frame = place_frame(folder, places)
    return PlaceIndex.build(frame, version_of(frame))
