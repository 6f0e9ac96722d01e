"""Images: sizes, thumbnails and copies without metadata; hostile files are refused."""

import io
import pickle
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageOps, ImageSequence

from collab_server.adapters.workers import Workers
from collab_server.errors import UnprocessableContent
from collab_server.features.attachments.files.file_types import UNKNOWN, sniff
from collab_server.features.attachments.files.images import (
    DAMAGED,
    MAX_FRAMES,
    MAX_PIXELS,
    NOT_AN_IMAGE,
    TOO_MANY_FRAMES,
    TOO_MANY_PIXELS,
    WIDTHS,
    ImageInfo,
    inspect_image,
    make_thumbnail,
    without_metadata,
)
from tests.features.attachments.image_files import (
    GPS,
    load,
    make_animation,
    make_chunk,
    make_exif,
    make_gif,
    make_png,
    make_profile,
    make_quarters,
    save,
)

KINDS = ["JPEG", "PNG", "GIF", "WEBP", "AVIF"]
WITH_EXIF = ["JPEG", "PNG", "WEBP", "AVIF"]
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + GPS + b"</x:xmpmeta>"


def make_thumbnail_160(data: bytes) -> bytes:
    return make_thumbnail(data, 160)


FUNCTIONS = [inspect_image, make_thumbnail_160, without_metadata]


def refusal(function: object, data: bytes) -> str:
    assert callable(function)
    with pytest.raises(UnprocessableContent) as caught:
        function(data)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), UnprocessableContent)  # noqa: S301 - our own
    return caught.value.detail


def differ(one: Image.Image, other: Image.Image) -> int:
    """Return the largest difference of two images in one channel of one pixel."""
    assert one.size == other.size
    extrema = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getextrema()
    return max(int(high) for _, high in extrema)  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_inspected(kind: str) -> None:
    assert inspect_image(save(make_quarters(), kind)) == ImageInfo(64, 32, kind.lower(), animated=False)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF"])
def test_an_animation_is_inspected(kind: str) -> None:
    assert inspect_image(make_animation(kind)) == ImageInfo(16, 8, kind.lower(), animated=True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_inspection_decodes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(make_quarters(), kind)
    with Image.open(io.BytesIO(data)) as image:
        image_class = type(image)
    decoded: list[Image.Image] = []
    monkeypatch.setattr(image_class, "load", decoded.append)
    inspect_image(data)
    assert not decoded


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "data",
    [b"", b"words", b"<svg/>", save(make_quarters(), "BMP"), save(make_quarters(), "TIFF"), b"%!PS-Adobe-3.0 EPSF-3.0"],
)
def test_other_formats_are_refused(function: object, data: bytes) -> None:
    assert refusal(function, data) == NOT_AN_IMAGE


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(make_png(50_000, 50_000, b"no pixels"), id="a header only"),
        pytest.param(make_png(MAX_PIXELS // 1000 + 1, 1000, b""), id="just above the limit"),
        pytest.param(make_gif(1, (60_000, 60_000)), id="a frame larger than its screen"),
        pytest.param(
            b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0".ljust(40, b"\0"), id="a canvas of WebP"
        ),
    ],
)
def test_too_many_pixels_are_refused_by_the_header(function: object, bomb: bytes) -> None:
    assert refusal(function, bomb) == TOO_MANY_PIXELS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_small_file_with_many_pixels_is_refused(function: object) -> None:
    bomb = make_png(20_000, 20_000, zlib.compress(bytes(20_000 * 2501)), depth=1)
    assert len(bomb) < 60_000
    assert refusal(function, bomb) == TOO_MANY_PIXELS


def test_the_most_pixels_are_accepted() -> None:
    assert inspect_image(make_png(MAX_PIXELS // 1000, 1000, b"")).width == MAX_PIXELS // 1000


def test_pixels_behind_the_last_row_are_not_decoded() -> None:
    data = make_png(10, 10, zlib.compress(bytes(100_000_000)))
    assert load(make_thumbnail(data, 160)).size == (10, 10)


def test_a_compressed_text_that_grows_too_much_is_refused() -> None:
    text = make_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000)))
    assert refusal(inspect_image, make_png(1, 1, zlib.compress(bytes(2)), text)) == DAMAGED


@pytest.mark.parametrize("function", [inspect_image, without_metadata])
def test_an_animation_has_a_limit_of_frames(function: object) -> None:
    assert refusal(function, make_gif(MAX_FRAMES + 1)) == TOO_MANY_FRAMES
    claimed = make_chunk(b"acTL", (MAX_FRAMES + 1).to_bytes(4) + bytes(4))
    assert refusal(function, make_png(1, 1, zlib.compress(bytes(2)), claimed)) == TOO_MANY_FRAMES
    assert inspect_image(make_gif(MAX_FRAMES)).animated


@pytest.mark.parametrize("function", [make_thumbnail_160, without_metadata])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_a_file_that_is_cut_off_is_refused(function: object, kind: str, part: float) -> None:
    data = save(Image.effect_noise((64, 64), 90), kind)
    assert refusal(function, data[: int(len(data) * part)]) in (DAMAGED, NOT_AN_IMAGE)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_thumbnail_has_its_width_and_is_never_larger(width: int) -> None:
    large, small = save(make_quarters(3000, 1500), "JPEG"), save(make_quarters(100, 60), "PNG")
    thumbnail = load(make_thumbnail(large, width))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (width, width // 2))
    assert load(make_thumbnail(small, width)).size == (100, 60)


@pytest.mark.parametrize("width", [0, -1, 161, 10**9])
def test_other_widths_are_an_error_of_the_caller(width: int) -> None:
    with pytest.raises(ValueError, match="no width of thumbnails"):
        make_thumbnail(save(make_quarters(), "PNG"), width)


@pytest.mark.parametrize(("size", "expected"), [((10, 20_000), (1, 640)), ((20_000, 10), (160, 1))])
def test_a_thumbnail_of_a_strip_has_both_dimensions(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert load(make_thumbnail(save(Image.new("L", size), "PNG"), 160)).size == expected


@pytest.mark.parametrize("kind", WITH_EXIF)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_thumbnail_is_turned_as_its_orientation_says(kind: str, orientation: int) -> None:
    data = save(make_quarters(800, 400), kind, exif=make_exif(orientation))
    upright = ImageOps.exif_transpose(load(data))
    thumbnail = load(make_thumbnail(data, 160))
    assert inspect_image(data)[:2] == upright.size
    assert thumbnail.width == 160
    for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        points = [image.convert("RGB").crop((a, b, a + 1, b + 1)) for image in (upright, thumbnail)
                  for a, b in [(int(image.width * x), int(image.height * y))]]  # fmt: skip
        assert differ(*points) < 40
    assert not thumbnail.getexif()


@pytest.mark.parametrize("kind", KINDS)
def test_a_thumbnail_has_no_metadata(kind: str) -> None:
    options = {"comment": GPS} if kind == "GIF" else {"exif": make_exif(6)}
    thumbnail = make_thumbnail(save(make_quarters(), kind, **options), 160)
    assert GPS not in thumbnail
    assert b"EXIF" not in thumbnail


def test_a_thumbnail_keeps_transparency() -> None:
    clear = Image.new("RGBA", (400, 200), (255, 0, 0, 0))
    clear.paste((0, 255, 0, 128), (200, 0, 400, 200))
    palette = clear.quantize(4)
    for data in (save(clear, "PNG"), save(clear, "WEBP", lossless=True), save(palette, "PNG"), save(clear, "AVIF")):
        alpha = load(make_thumbnail(data, 160)).getchannel("A")
        assert alpha.getpixel((20, 40)) == 0
        assert abs(int(alpha.getpixel((140, 40)) or 0) - 128) < 4  # type: ignore[arg-type]


def test_a_thumbnail_keeps_a_colour_profile_of_rgb_only() -> None:
    profile = make_profile()
    assert load(make_thumbnail(save(make_quarters(), "PNG", icc_profile=profile), 160)).info["icc_profile"] == profile
    grey = save(make_quarters().convert("L"), "JPEG", icc_profile=profile)
    assert "icc_profile" not in load(make_thumbnail(grey, 160)).info


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_thumbnail_is_made_of_every_mode(mode: str) -> None:
    grey = Image.new("I;16", (200, 200), 128 * 256) if mode == "I;16" else Image.new("L", (200, 200), 255).convert(mode)
    thumbnail = load(make_thumbnail(save(grey, "JPEG" if mode == "CMYK" else "PNG"), 160))
    expected = Image.new("RGB", (160, 160), (128,) * 3 if mode == "I;16" else (255,) * 3)
    assert differ(thumbnail, expected) < 4


@pytest.mark.parametrize("size", ["1 value", "3 values"])
def test_a_thumbnail_is_made_of_16_bits_with_a_transparent_colour(size: str) -> None:
    colours = 0 if size == "1 value" else 2
    pixels = zlib.compress(b"\0" + b"\xff\xff" * (3 if colours else 1))
    header = make_chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 16, colours, 0, 0, 0]))
    clear = make_chunk(b"tRNS", b"\x12\x34" * (3 if colours else 1))
    data = b"\x89PNG\r\n\x1a\n" + header + clear + make_chunk(b"IDAT", pixels) + make_chunk(b"IEND", b"")
    assert load(make_thumbnail(data, 160)).convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF"])
def test_a_thumbnail_shows_the_first_frame(kind: str) -> None:
    thumbnail = load(make_thumbnail(make_animation(kind), 160))
    assert not getattr(thumbnail, "is_animated", False)
    assert differ(thumbnail, Image.new("RGB", (16, 8), "red")) < 10


@pytest.mark.parametrize("kind", WITH_EXIF)
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_metadata_is_removed_and_the_orientation_kept(kind: str, orientation: int) -> None:
    profile = make_profile()
    data = save(make_quarters(), kind, exif=make_exif(orientation), icc_profile=profile, xmp=XMP)
    assert GPS in data
    clean = without_metadata(data)
    assert GPS not in clean
    before, after = load(data), load(clean)
    assert (after.format, after.info["icc_profile"]) == (kind, profile)
    assert dict(after.getexif()) == ({0x0112: orientation} if orientation > 1 else {})
    assert differ(before, after) <= (40 if kind == "AVIF" else 0)
    assert without_metadata(clean) == clean or kind == "AVIF"


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"subsampling": 0}])
def test_a_jpeg_keeps_its_pixels_and_loses_all_comments(options: dict[str, int]) -> None:
    data = save(Image.effect_noise((99, 99), 90), "JPEG", comment=GPS, exif=make_exif(), **options)
    data = data[:2] + b"\xff\xed\0\x15" + GPS + b"\xff\xe5\0\x15" + GPS + data[2:]
    clean = without_metadata(data)
    assert GPS in data
    assert GPS not in clean
    assert differ(load(data), load(clean)) == 0


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    data = save(make_quarters().convert("CMYK"), "JPEG", exif=make_exif())
    assert differ(load(data), load(without_metadata(data))) == 0


def test_the_further_images_of_a_jpeg_are_removed() -> None:
    images = [make_quarters(), Image.new("RGB", (64, 32), "red")]
    data = save(images[0], "MPO", save_all=True, append_images=images[1:], exif=make_exif())
    assert inspect_image(data) == ImageInfo(64, 32, "jpeg", animated=False)
    clean = without_metadata(data)
    assert (load(clean).format, clean.count(b"\xff\xd8\xff")) == ("JPEG", 1)
    assert differ(load(data), load(clean)) == 0


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF"])
def test_an_animation_stays_one(kind: str) -> None:
    data = make_animation(kind, comment=GPS) if kind == "GIF" else make_animation(kind, exif=make_exif())
    clean = without_metadata(data)
    assert GPS in data
    assert GPS not in clean
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(clean))
    frames = list(zip(ImageSequence.Iterator(before), ImageSequence.Iterator(after), strict=True))
    assert len(frames) == 3
    before.seek(0)
    after.seek(0)
    for one, other in zip(ImageSequence.Iterator(before), ImageSequence.Iterator(after), strict=True):
        assert differ(one, other) <= (10 if kind == "AVIF" else 0)
        assert one.info.get("duration") == other.info.get("duration")
    assert before.info.get("loop") == after.info.get("loop")


def test_a_gif_loses_what_hides_in_its_blocks() -> None:
    xmp = b"!\xff\x0bXMP DataXMP" + bytes([len(GPS)]) + GPS + b"\0"
    loops = b"!\xff\x0bNETSCAPE2.0\3\1\5\0" + bytes([len(GPS)]) + GPS + b"\0"
    data = make_gif(2, (1, 1), xmp, loops, b"!\xfe" + bytes([len(GPS)]) + GPS + b"\0")
    assert data.count(GPS) == 3
    assert without_metadata(data) == make_gif(2, (1, 1), b"!\xff\x0bNETSCAPE2.0\3\1\5\0\0")


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_behind_an_image_are_removed(kind: str) -> None:
    polyglot = save(make_quarters(), kind) + b"PK\3\4\x14\0\0\0\0\0<script>alert(1)</script>"
    assert sniff(polyglot, "a", None) == UNKNOWN
    assert sniff(without_metadata(polyglot), "a", None) == f"image/{kind.lower()}"


def test_damaged_exif_is_no_reason_to_refuse() -> None:
    data = save(make_quarters(), "JPEG")
    damaged = data[:2] + b"\xff\xe1\0\x10Exif\0\0MM\0*\xff\xff\xff\xff" + data[2:]
    assert inspect_image(damaged).width == 64
    assert b"Exif" not in without_metadata(damaged)


async def test_images_are_handled_in_a_worker_process() -> None:
    workers = Workers.for_edits(1)
    data = save(make_quarters(), "JPEG", exif=make_exif(6))
    try:
        assert await workers.run(inspect_image, data) == ImageInfo(32, 64, "jpeg", animated=False)
        assert await workers.run(make_thumbnail, data, 160) == make_thumbnail(data, 160)
        with pytest.raises(UnprocessableContent, match=TOO_MANY_PIXELS):
            await workers.run(without_metadata, make_png(50_000, 50_000, b""))
    finally:
        await workers.close()


SEEDS = [save(make_quarters(), kind) for kind in KINDS] + [make_animation("GIF"), make_animation("WEBP")]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=5))
def test_damage_is_refused_with_one_kind_of_error(seed: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    for function in FUNCTIONS:
        try:
            function(bytes(data))
        except UnprocessableContent as error:
            assert error.detail in (DAMAGED, NOT_AN_IMAGE, TOO_MANY_PIXELS, TOO_MANY_FRAMES)
