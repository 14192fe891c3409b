"""A post's images on their way to a model: where they lie, what they are, and that they can be read at all.

An address in a post is somebody's text: it opens no file outside the folders that the operator means.
"""

import hashlib
from collections.abc import Callable
from mimetypes import guess_type
from pathlib import Path

from madang.errors import DeclarationError
from madang.models.protocol import Image, StoredImage
from madang.models.specs import LocalModel, ModelSpec
from madang.task import Task

# Vertex AI takes requests of 20 MB, and base64 makes four bytes of three.
MOST_BYTES = 14 * 1024 * 1024
_STARTS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}
_REMOTE = ("https://", "http://", "gs://")


class ImageUnreadable(Exception):
    """An image of a post cannot be shown. Quotes no address: whoever wrote the post chose it."""

    failure = "image_unreadable"


class PostImages:
    """Finds the images of a task's posts.

    Args:
        task: The task; a relative path is looked for in its project.
        beside: Folder in which it is looked for first; None if there is none.
    """

    def __init__(self, task: Task, beside: Path | None) -> None:
        self._most = task.most_images
        project = task.folder.parent.parent
        self._folders = [folder.resolve() for folder in (beside, project) if folder is not None]

    def of(self, addresses: object) -> tuple[Image | StoredImage, ...]:
        """The images that the model sees; of files, type and hash are read, not kept.

        Args:
            addresses: The post's `images`.

        Raises:
            ImageUnreadable: One is missing, lies elsewhere, is no JPEG, PNG, GIF or WebP, or all are too large.
        """
        shown = list(addresses)[: self._most] if isinstance(addresses, list) else []
        images: list[Image | StoredImage] = []
        total = 0
        for number, address in enumerate(shown, 1):
            place = f"image {number} of {len(shown)}"
            if str(address).startswith(_REMOTE):
                images.append(Image(str(address), guess_type(str(address))[0] or "image/jpeg"))
                continue
            path = self._find(str(address), place)
            total += path.stat().st_size
            if total > MOST_BYTES:
                raise ImageUnreadable(f"{place}: with it they hold more than {MOST_BYTES >> 20} MiB. Make it smaller, "
                                      "or let the task show fewer")  # fmt: skip
            try:
                content = path.read_bytes()
            except OSError as error:
                raise ImageUnreadable(f"{place}: its file cannot be read ({type(error).__name__}). Let madang read it, "
                                      "and run `madang retry`") from error  # fmt: skip
            images.append(StoredImage(path, _type_of(content, place), hashlib.sha256(content).hexdigest()))
        return tuple(images)

    def _find(self, address: str, place: str) -> Path:
        for folder in self._folders:
            try:
                path = (folder / address).resolve()
                if path.is_relative_to(folder) and path.is_file():
                    return path
            except (OSError, ValueError):  # too long a name; a null byte is a ValueError
                continue
        raise ImageUnreadable(f"{place}: there is no such file in the project. Put it there under the path that the "
                              "post says, and run `madang retry`")  # fmt: skip


def refuse_blind_models(task: Task, spec_of: Callable[[str], ModelSpec | None]) -> None:
    """Refuses a task that shows images to a model that sees none.

    Args:
        task: The task.
        spec_of: What the settings say of a model; None if nothing.

    Raises:
        DeclarationError: It names task and model.
    """
    if not task.most_images:
        return
    for _, route in task.routes:
        for name in (route.use, *route.fallback):
            if isinstance(spec_of(name), LocalModel):
                raise DeclarationError(
                    task.folder / "defs.yaml", f"models: {name!r} is a local model and sees no images",
                    "Name another model, or leave out `source.images`",
                )  # fmt: skip


def _type_of(content: bytes, place: str) -> str:
    for start, media_type in _STARTS.items():
        if content.startswith(start):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise ImageUnreadable(f"{place}: it is no JPEG, PNG, GIF or WebP. Convert it, and run `madang retry`")
