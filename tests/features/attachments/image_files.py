"""Images for tests, made here: no file comes from elsewhere."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

GPS = b"GPS-SECRET-47.3769N"


def save(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def load(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def make_quarters(width: int = 64, height: int = 32) -> Image.Image:
    """Return an image with a different colour in each quarter: red and green above blue and white."""
    image = Image.new("RGB", (width, height), "white")
    image.paste("red", (0, 0, width // 2, height // 2))
    image.paste("lime", (width // 2, 0, width, height // 2))
    image.paste("blue", (0, height // 2, width // 2, height))
    return image


def make_exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = GPS.decode()
    exif.get_ifd(0x8825)[29] = GPS.decode()
    return exif.tobytes()


def make_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def make_chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def make_png(width: int, height: int, pixels: bytes, *chunks: bytes, depth: int = 8) -> bytes:
    """Return a grey PNG; `pixels` are its compressed rows, each with a filter byte."""
    header = make_chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, depth, 0, 0, 0, 0))
    end = make_chunk(b"IDAT", pixels) + make_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + end


def make_gif(frames: int, size: tuple[int, int] = (1, 1), *blocks: bytes) -> bytes:
    """Return a GIF of a screen of 1 pixel, with further blocks before its frames."""
    header = b"GIF89a\1\0\1\0\x80\0\0" + bytes(3) + b"\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\2\2\x44\1\0"
    return header + b"".join(blocks) + frame * frames + b";"


def make_animation(kind: str, frames: int = 3, **options: Any) -> bytes:
    images = [Image.new("RGB", (16, 8), colour) for colour in ("red", "lime", "blue")[:frames]]
    return save(images[0], kind, save_all=True, append_images=images[1:], duration=[100, 200, 300], loop=2, **options)
