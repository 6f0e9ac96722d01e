"""Images: their size, thumbnails, and copies without metadata. Pure; for a worker process, because decoding is slow
and Pillow's decoders read hostile bytes with C code.

The number of pixels is known from the header and is checked before anything is decoded.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from PIL import AvifImagePlugin, Image, ImageSequence, UnidentifiedImageError

from collab_server.errors import UnprocessableContent
from collab_server.features.attachments.files import image_metadata
from collab_server.features.attachments.files.embedded_image import EmbeddedImage

WIDTHS: Final = (160, 320, 640, 1280)
"""Widths of thumbnails in pixels."""
MAX_RATIO: Final = 4
"""A thumbnail is at most so many times as high as its width allows: a WebP has at most 16383 rows."""

EMBEDDED_SIDE: Final = 1600
"""Most pixels of a side of a picture within a Word or PDF file."""

MAX_PIXELS: Final = 40_000_000
"""Most pixels of one frame: 160 MB while it is decoded."""
MAX_FRAMES: Final = 2000

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
"""Formats that are read, as Pillow names them: the ones that all browsers show."""

NOT_AN_IMAGE: Final = "the file is not a JPEG, PNG, GIF, WebP or AVIF image"
DAMAGED: Final = "the image is damaged or cut off"
TOO_MANY_PIXELS: Final = f"the image has more than {MAX_PIXELS} pixels"
TOO_MANY_FRAMES: Final = f"the animation has more than {MAX_FRAMES} frames"

_MAX_PROFILE_BYTES: Final = 64 * 1024
"""Longest colour profile that a thumbnail keeps. A usual one has 500 to 4000 bytes."""
_ORIENTATION_TAG: Final = 0x0112
_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STRIPPERS: Final = {
    "jpeg": image_metadata.strip_jpeg,
    "png": image_metadata.strip_png,
    "webp": image_metadata.strip_webp,
    "gif": image_metadata.strip_gif,
}

# Pillow warns above this, and `_open` makes the warning an error.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
# A call has one process and a limit of its time on the processor.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


class ImageInfo(NamedTuple):
    """`width` and `height`: pixels as the image is shown, with its orientation applied. `format`: jpeg, png, gif, webp
    or avif.
    """

    width: int
    height: int
    format: str
    animated: bool


def inspect_image(data: bytes) -> ImageInfo:
    """Return size and format from the header; pixels are not decoded.

    Raises UnprocessableContent with NOT_AN_IMAGE, DAMAGED, TOO_MANY_PIXELS or TOO_MANY_FRAMES.
    """
    with _open(data) as image:
        kind = _get_format(image)
        frames = _count_frames(image, data)
        width, height = image.size
        if _read_orientation(image) > 4:
            width, height = height, width
        return ImageInfo(width, height, kind, frames > 1)


def make_thumbnail(data: bytes, width: int) -> bytes:
    """Return a WebP of the first frame, `width` pixels wide, or as wide as the image if that is less.

    `width`: one of WIDTHS, else ValueError. An image that is more than MAX_RATIO times as high as wide gets less wide.
    The orientation is applied, transparency and an RGB colour profile are kept, and all other metadata is left out.
    Raises UnprocessableContent like `inspect_image`, and with DAMAGED if the pixels cannot be decoded.
    """
    if width not in WIDTHS:
        raise ValueError(f"no width of thumbnails: {width}")
    with _open(data) as image:
        profile = _find_rgb_profile(image)
        orientation = _read_orientation(image)
        size = _fit(image.size, width, turned=orientation > 4)
        # A JPEG is decoded at a half, a quarter or an eighth of its size.
        image.draft(None, size)
        shown = _to_rgb(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if orientation in _TRANSPOSITIONS:
            shown = shown.transpose(_TRANSPOSITIONS[orientation])
        written = io.BytesIO()
        shown.save(written, "WEBP", quality=80, icc_profile=profile)
        return written.getvalue()


def make_embedded(data: bytes) -> EmbeddedImage:
    """Return the first frame as a JPEG or PNG without metadata, at most EMBEDDED_SIDE pixels wide and high.

    `width` and `height` are those of the whole image. Raises UnprocessableContent like `make_thumbnail`.
    """
    with _open(data) as image:
        orientation = _read_orientation(image)
        width, height = image.size
        scale = min(1.0, EMBEDDED_SIDE / width, EMBEDDED_SIDE / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        is_photo = _get_format(image) == "jpeg"
        image.draft(None, size)
        shown = _to_rgb(image)
        if shown.size != size:
            shown = shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if orientation in _TRANSPOSITIONS:
            shown = shown.transpose(_TRANSPOSITIONS[orientation])
        if orientation > 4:
            width, height = height, width
        written = io.BytesIO()
        # What Pillow has read of the file stays with its pixels, and would be written.
        shown.info.clear()
        kind = "jpeg" if is_photo else "png"
        shown.save(written, kind.upper(), **({"quality": 88} if is_photo else {}))
        return EmbeddedImage(written.getvalue(), width, height, kind)


def make_squares(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Return the middle of the first frame as squares in WebP, without metadata. `sizes`: pixels of their sides, less
    if the image is smaller.

    Raises UnprocessableContent like `make_thumbnail`.
    """
    with _open(data) as image:
        orientation = _read_orientation(image)
        side = min(image.size)
        scale = min(1.0, max(sizes) / side)
        # A JPEG is decoded at a half, a quarter or an eighth of its size.
        image.draft(None, (round(image.width * scale), round(image.height * scale)))
        shown = _to_rgb(image)
        side = min(shown.size)
        left, top = (shown.width - side) // 2, (shown.height - side) // 2
        shown = shown.crop((left, top, left + side, top + side))
        if orientation in _TRANSPOSITIONS:
            shown = shown.transpose(_TRANSPOSITIONS[orientation])
        shown.info.clear()
        made: list[bytes] = []
        for size in sizes:
            written = io.BytesIO()
            length = min(size, side)
            shown.resize((length, length), Image.Resampling.LANCZOS, reducing_gap=3.0).save(written, "WEBP", quality=85)
            made.append(written.getvalue())
        return made


def clean_if_image(data: bytes) -> bytes | None:
    """Like `without_metadata`; None for a file that is no image."""
    try:
        return without_metadata(data)
    except UnprocessableContent as error:
        if error.detail == NOT_AN_IMAGE:
            return None
        raise


def without_metadata(data: bytes) -> bytes:
    """Return the image in the same format, without GPS, camera, comments, texts and bytes behind its end.

    Orientation, colour profile, transparency and animation are kept. The pixels of JPEG, PNG, GIF and WebP are not
    encoded again; those of AVIF are, with a small loss. Raises UnprocessableContent like `inspect_image`.
    """
    with _open(data) as image:
        _count_frames(image, data)
        orientation = _read_orientation(image)
        strip = _STRIPPERS.get(_get_format(image))
        return strip(data, orientation) if strip else _encode_avif(image, orientation)


@contextmanager
def _open(data: bytes) -> Iterator[Image.Image]:
    """Yield the image, its header read and its size checked. Errors of Pillow become UnprocessableContent."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                yield image
    except UnprocessableContent:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnprocessableContent(TOO_MANY_PIXELS) from None
    except UnidentifiedImageError:
        raise UnprocessableContent(NOT_AN_IMAGE) from None
    except Exception as error:
        # Hostile files make Pillow raise errors of more than ten classes.
        raise UnprocessableContent(DAMAGED) from error


def _get_format(image: Image.Image) -> str:
    # Pillow calls a JPEG with further images behind it, as many cameras write it, an MPO.
    return "jpeg" if image.format == "MPO" else (image.format or "").lower()


def _count_frames(image: Image.Image, data: bytes) -> int:
    kind = _get_format(image)
    if kind == "jpeg":
        return 1
    # Pillow counts the frames of a GIF without a limit.
    frames = image_metadata.count_gif_frames(data, MAX_FRAMES) if kind == "gif" else int(getattr(image, "n_frames", 1))
    if frames > MAX_FRAMES:
        raise UnprocessableContent(TOO_MANY_FRAMES)
    return frames


def _read_orientation(image: Image.Image) -> int:
    """Return the orientation of the EXIF before the pixels, 1 to 8; 1 if there is none or the metadata is damaged."""
    # Not by `image.getexif`, which decodes a PNG to find EXIF behind its pixels.
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        orientation = exif.get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return orientation if isinstance(orientation, int) and orientation in _TRANSPOSITIONS else 1


def _fit(size: tuple[int, int], width: int, *, turned: bool) -> tuple[int, int]:
    """Return the size of the thumbnail before it is turned."""
    box = (width * MAX_RATIO, width) if turned else (width, width * MAX_RATIO)
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _find_rgb_profile(image: Image.Image) -> bytes:
    """Return the colour profile if it fits pixels in RGB, else nothing."""
    profile = image.info.get("icc_profile") or b""
    fits = image.mode in ("RGB", "RGBA", "P") and profile[16:20] == b"RGB "
    return profile if fits and len(profile) <= _MAX_PROFILE_BYTES else b""


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow would cut 16 bits off at 255.
        image = image.convert("I").point(lambda value: value / 256).convert("L")
        image.info.pop("transparency", None)
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _encode_avif(image: Image.Image, orientation: int) -> bytes:
    exif = Image.Exif()
    if orientation > 1:
        exif[_ORIENTATION_TAG] = orientation
    durations = []
    # In a first pass, because Pillow knows a duration after decoding; all frames at once would need too much memory.
    for frame in ImageSequence.Iterator(image):
        frame.load()
        durations.append(frame.info.get("duration", 0))
    image.seek(0)
    written = io.BytesIO()
    image.save(
        written,
        "AVIF",
        save_all=len(durations) > 1,
        duration=durations,
        quality=90,
        subsampling="4:4:4",
        speed=8,
        icc_profile=image.info.get("icc_profile"),
        exif=exif.tobytes() if exif else b"",
        xmp=b"",
    )
    return written.getvalue()
