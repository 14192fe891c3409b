"""How often the embedded network tells the room of a photo: room_photos.py FOLDER, files named <house>_<room>.jpg."""

import sys
from collections import Counter
from pathlib import Path

from madang.evaluation.intervals import wilson
from madang.photos.contents import contents_of
from madang.photos.quality import open_photo

# Rooms as the files name them. A bedroom that looks like a living room is none the worse for a cover.
_SAME = {
    "frontal": {"outside"},
    "bedroom": {"bedroom", "living_room"},
    "kitchen": {"kitchen"},
    "bathroom": {"bathroom"},
}


def main(folder: Path) -> None:
    """Prints the share that is right, for each room and for all."""
    files = sorted(folder.glob("*_*.jpg"))
    shown = contents_of([open_photo(file.read_bytes(), file.name) for file in files])
    right, all_of = Counter[str](), Counter[str]()
    for file, (kind, _) in zip(files, shown, strict=True):
        room = file.stem.rpartition("_")[2]
        all_of[room] += 1
        right[room] += kind in _SAME[room]
    for room, n in [*sorted(all_of.items()), ("all", all_of.total())]:
        count = right.total() if room == "all" else right[room]
        low, high = wilson(count, n)
        sys.stdout.write(f"{room:10} {count:4} of {n:4}  {count / n:.2f} [{low:.2f} to {high:.2f}]\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
