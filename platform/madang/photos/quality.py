"""How good a photo is, by its pixels alone: sharpness, exposure, resolution, and whether it is a photo at all."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from madang.errors import InputError

_WORKING_PIXELS = 512
_BLOCK = 16
# Of a full frame of noise it would be over 100; a photo taken by hand indoors has 5 to 30, a shaken one under 2.
_SHARP = 8.0
_DARK, _BRIGHT = 60.0, 205.0
_GOOD_SIDE = 960
# A photo of a white wall is flat to the eye and noisy to the pixel; a screenshot is flat to the pixel.
_GRAPHIC_SHARE = 0.45
_TEXT_SHARE = 0.06


@dataclass(frozen=True)
class Quality:
    """What the pixels say of a photo.

    Args:
        sharpness: 0 to 1: fine detail, as the spread of the Laplacian.
        exposure: 0 to 1: 1 where brightness is in the middle and little is burnt out or black.
        resolution: 0 to 1: the shorter side against 960 pixels.
        is_graphic: Whether it is a screenshot, a plan or a drawing: flat to the pixel.
        has_text: Whether letters are laid over it.
        width: Pixels.
        height: Pixels.
    """

    sharpness: float
    exposure: float
    resolution: float
    is_graphic: bool
    has_text: bool
    width: int
    height: int

    @property
    def score(self) -> float:
        """0 to 1; what is no photo, or is written over, cannot be good."""
        own = 0.4 * self.sharpness + 0.35 * self.exposure + 0.25 * self.resolution
        return own * (0.3 if self.is_graphic else 0.7 if self.has_text else 1.0)


def open_photo(content: bytes, name: str) -> Image.Image:
    """Opens a photo the right way up, in RGB.

    Raises:
        InputError: It is no image, or is broken.
    """
    try:
        opened = ImageOps.exif_transpose(Image.open(BytesIO(content)))
        return opened.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(name, "it is no image that can be read", "Give a JPEG, PNG or WebP file") from error


def quality_of(photo: Image.Image) -> Quality:
    """Measures a photo.

    Args:
        photo: In RGB.
    """
    width, height = photo.size
    small = photo.copy()
    small.thumbnail((_WORKING_PIXELS, _WORKING_PIXELS))
    grey = np.asarray(small.convert("L"), dtype=np.float64)
    return Quality(
        sharpness=_sharpness(grey), exposure=_exposure(grey), resolution=min(1.0, min(width, height) / _GOOD_SIDE),
        is_graphic=_flat_share(grey) > _GRAPHIC_SHARE, has_text=_text_share(grey) > _TEXT_SHARE, width=width,
        height=height,
    )  # fmt: skip


def _sharpness(grey: NDArray[np.float64]) -> float:
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    return float(min(1.0, laplacian.std() / _SHARP))


def _exposure(grey: NDArray[np.float64]) -> float:
    mean = float(grey.mean())
    away = max(0.0, _DARK - mean) / _DARK + max(0.0, mean - _BRIGHT) / (255 - _BRIGHT)
    lost = float(((grey < 4) | (grey > 251)).mean())
    return max(0.0, 1.0 - away) * (1.0 - min(1.0, 1.5 * lost))


def _flat_share(grey: NDArray[np.float64]) -> float:
    """Share of pixels that equal their right and lower neighbours exactly."""
    if min(grey.shape) < 2:
        return 1.0
    return float(((grey[:-1, :-1] == grey[1:, :-1]) & (grey[:-1, :-1] == grey[:-1, 1:])).mean())


def _text_share(grey: NDArray[np.float64]) -> float:
    """Share of blocks that look like letters: two flat tones, far apart, with many edges between them."""
    rows, columns = (size // _BLOCK for size in grey.shape)
    if not rows or not columns:
        return 0.0
    blocks = grey[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    low, high = blocks.min(axis=(2, 3)), blocks.max(axis=(2, 3))
    spread = np.maximum(high - low, 1.0)
    place = (blocks - low[..., None, None]) / spread[..., None, None]
    in_tones = ((place < 0.12) | (place > 0.88)).mean(axis=(2, 3))
    light = (place > 0.5).mean(axis=(2, 3))
    edges = (np.abs(np.diff(place, axis=3)) > 0.5).mean(axis=(2, 3))
    is_letters = (spread > 110) & (in_tones > 0.55) & (light > 0.08) & (light < 0.92) & (edges > 0.06)
    return float(is_letters.mean())
