"""Media types: what hostile files are taken for, and what a browser may show."""

import gzip
import io
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collab_server.features.attachments.files.file_types import UNKNOWN, choose_served_type, may_be_inline, sniff

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0" + bytes(8)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
GIF = b"GIF89a\1\0\1\0\0\0\0;"
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm\x42\x87\x81\4"
OGG = b"OggS\0\2" + bytes(20) + b"\1\x1e"

OFFICE = "application/vnd.openxmlformats-officedocument."
SVG = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
PAGE = "<html><script>alert(1)</script></html>"


def make_zip(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def make_brands(*brands: bytes) -> bytes:
    body = brands[0] + bytes(4) + b"".join(brands)
    return (8 + len(body)).to_bytes(4) + b"ftyp" + body + b"\0\0\0\x08mdat"


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (GIF, "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8L\x11\0\0\0\x2f", "image/webp"),
        (make_brands(b"avif", b"mif1"), "image/avif"),
        (make_brands(b"mif1", b"avif"), "image/avif"),
        (make_brands(b"isom", b"avc1"), "video/mp4"),
        (make_brands(b"M4A ", b"isom"), "audio/mp4"),
        (WEBM + b"V_VP9", "video/webm"),
        (WEBM + b"A_OPUS", "audio/webm"),
        (OGG + b"\x80theora", "video/ogg"),
        (OGG + b"OpusHead", "audio/ogg"),
        (b"A text.\n", "text/plain"),
        ("Grüße 🙂".encode(), "text/plain"),
        ("Grüße".encode("utf-16"), "text/plain"),
        ("Grüße".encode("latin-1"), "text/plain"),
        (b"", "text/plain"),
    ],
)
def test_harmless_files_are_shown(head: bytes, content_type: str) -> None:
    assert sniff(head, "", None) == content_type
    assert may_be_inline(content_type)
    assert choose_served_type(content_type) == content_type


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (PAGE, "text/html"),
        (f" \t\r\n\f{PAGE}", "text/html"),
        ("<!-- a --><!-- b -->\n<p>", "text/html"),
        ("<!doctype html><p>", "text/html"),
        ("<ScRiPt>alert(1)", "text/html"),
        ("<?php echo 1;", "text/html"),
        ("<!--" + "x" * 70_000, "text/html"),
        ("<made-up onclick=alert(1)>", "text/html"),
        (SVG, "image/svg+xml"),
        (f"<?xml version='1.0'?>\n{SVG}", "image/svg+xml"),
        (f"<!-- <html> -->\n\n{SVG}", "image/svg+xml"),
        (f"<!DOCTYPE svg [<!ENTITY a '>'> <!ENTITY b 'c'>]>\n{SVG}", "image/svg+xml"),
        ("<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        ("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "application/xhtml+xml"),
        ("<?xml version='1.0'?><note/>", "application/xml"),
        ("<x xmlns:h='http://www.w3.org/1999/xhtml'><h:script/></x>", "application/xml"),
    ],
)
def test_markup_is_found_in_every_encoding(text: str, content_type: str, encoding: str) -> None:
    head = text.encode(encoding)
    found = sniff(head, "picture.png", "image/png")
    assert found == content_type
    assert not may_be_inline(found)
    assert choose_served_type(found) == UNKNOWN


def test_markup_in_utf7_is_found() -> None:
    assert sniff(b"+ADwAcwBjAHIAaQBwAHQAPgBhAGwAZQByAHQAKAAxACk-", "a.txt", "text/plain") == "text/html"
    assert sniff(b"\n+AAw-+ADw-made-up onclick=alert(1)+AD4-", "a.txt", "text/plain") == "text/html"
    assert sniff(b"hello +ADw-script+AD4-alert(1)", "a.txt", "text/plain") == "text/html"


@pytest.mark.parametrize("text", ["1 < 2 + 3", "<3", "a <script> in the middle", "a+b-c <b>bold</b> + <script> "])
def test_a_text_with_angle_brackets_stays_a_text(text: str) -> None:
    assert sniff(text.encode(), "", None) == "text/plain"


@pytest.mark.parametrize(
    "script",
    ["'use strict';", "(function(){})()", "(() => 1)()", "import a from 'b'", "export default 1", "document.title=1"],
)
def test_scripts_are_not_shown(script: str) -> None:
    assert sniff(f"\n{script}".encode(), "a.txt", "text/plain") == "text/javascript"
    assert choose_served_type("text/javascript") == UNKNOWN


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(JPEG + b"\xff\xfe\0\x30<script>alert(1)</script>", id="comment of a JPEG"),
        pytest.param(JPEG + "<html >".encode("utf-16-le"), id="comment in UTF-16"),
        pytest.param(PNG + make_zip(("a.class", b"x")), id="PNG before a zip"),
        pytest.param(GIF + make_zip(("META-INF/MANIFEST.MF", b"x")), id="GIFAR"),
        pytest.param(b"GIF89a/*<svg onload=alert(1)>*/=1;", id="GIF with SVG"),
        pytest.param(JPEG + b"%PDF-1.7", id="JPEG and PDF"),
        pytest.param(make_brands(b"isom") + b"<iframe src=x>", id="MP4 with a frame"),
    ],
)
def test_media_that_are_something_else_too_are_unknown(head: bytes) -> None:
    assert sniff(head, "photo.jpg", "image/jpeg") == UNKNOWN
    assert not may_be_inline(UNKNOWN)


def test_an_image_with_xmp_is_an_image() -> None:
    xmp = b'<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
    assert sniff(JPEG + b"\xff\xe1\0\x80http://ns.adobe.com/xap/1.0/\0" + xmp, "", None) == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "claimed", "content_type"),
    [
        ("a.md", None, "text/markdown"),
        ("A.MD", "text/plain", "text/markdown"),
        ("a", "text/csv; charset=utf-8", "text/csv"),
        ("a.json", "text/csv", "application/json"),
        ("a.png", "image/png", "text/plain"),
        ("a.mp4", "video/mp4", "text/plain"),
        ("a.html", None, "text/html"),
        ("a.svg", "text/plain", "image/svg+xml"),
        ("a.js", "text/plain", "text/javascript"),
        ("a.css", None, "text/css"),
        ("a.txt", "text/html", "text/html"),
        ("a.txt", "Application/JavaScript", "application/javascript"),
    ],
)
def test_a_name_or_claim_refines_a_text(name: str, claimed: str | None, content_type: str) -> None:
    assert sniff(b"words", name, claimed) == content_type


def test_a_pdf_is_a_download() -> None:
    assert sniff(b"%PDF-1.7\n", "a.png", "image/png") == "application/pdf"
    assert sniff(b"\0\1\2%PDF-1.7\n", "a.png", "image/png") == "application/pdf"
    assert not may_be_inline("application/pdf")
    assert choose_served_type("application/pdf") == "application/pdf"


@pytest.mark.parametrize(
    ("entries", "name", "content_type"),
    [
        ([("[Content_Types].xml", b""), ("word/document.xml", b"")], "", f"{OFFICE}wordprocessingml.document"),
        ([("[Content_Types].xml", b""), ("xl/workbook.xml", b"")], "a.docx", f"{OFFICE}spreadsheetml.sheet"),
        ([("_rels/.rels", b""), ("[Content_Types].xml", b"")], "a.pptx", f"{OFFICE}presentationml.presentation"),
        ([("_rels/.rels", b""), ("[Content_Types].xml", b"")], "a.exe", "application/zip"),
        ([("word/document.xml", b"")], "a.docx", "application/zip"),
        ([("mimetype", b"application/epub+zip"), ("a", b"")], "a.docx", "application/epub+zip"),
        ([("mimetype", b"application/vnd.oasis.opendocument.text")], "", "application/vnd.oasis.opendocument.text"),
        ([("mimetype", b"text/html")], "", "application/zip"),
        ([("a.html", PAGE.encode())], "a.html", "application/zip"),
        ([], "a.odt", "application/zip"),
    ],
)
def test_an_archive_is_named_by_its_entries(entries: list[tuple[str, bytes]], name: str, content_type: str) -> None:
    found = sniff(make_zip(*entries), name, "text/html")
    assert found == content_type
    assert not may_be_inline(found)


@pytest.mark.parametrize(
    ("head", "name", "content_type"),
    [
        (gzip.compress(b"x", mtime=0), "a.svgz", "application/gzip"),
        (b"fLaC\0\0\0\x22" + bytes(34), "", "audio/flac"),
        (b"II*\0\x08\0\0\0" + bytes(9), "", "image/tiff"),
        (b"\0\0\0\x14ftypqt  \0\0\2\0qt  ", "a.mp4", "video/quicktime"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9), "a.xls", "application/vnd.ms-excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9), "a.png", UNKNOWN),
        (b"MZ\x90\0\3\0\0\0", "a.png", UNKNOWN),
        (b"CWS\x0a\0\0\0\0", "a.png", UNKNOWN),
        (b"\0\1\2\3", "a.txt", UNKNOWN),
    ],
)
def test_other_files_are_downloads(head: bytes, name: str, content_type: str) -> None:
    found = sniff(head, name, None)
    assert found == content_type
    assert not may_be_inline(found)
    assert choose_served_type(found) == found


@pytest.mark.parametrize("content_type", ["IMAGE/PNG", "image/png, text/html", "text/plain;charset=utf-7", "", "*/*"])
def test_only_exact_types_are_shown(content_type: str) -> None:
    assert not may_be_inline(content_type)
    assert choose_served_type(content_type) == UNKNOWN


def test_a_character_at_the_end_of_the_head_may_be_cut() -> None:
    assert sniff(b"a" + "é".encode() * 40_000, "", None) == "text/plain"


STARTS = st.sampled_from([b"", PNG, JPEG, GIF, WEBM, OGG, b"PK\3\4", b"<", b"\xff\xfe", b"+ADw-", b"\0\0\0\x20ftyp"])
NAMES = st.text() | st.sampled_from(["a.png", "a.txt", "a.mp4", "a.html", "a.docx", "a.md"])
CLAIMS = st.none() | st.text() | st.sampled_from(["image/png", "text/plain", "text/html", "video/mp4; codecs=x"])


@given(STARTS, st.binary() | st.text().map(str.encode), NAMES, CLAIMS)
@example(b"", b"<svg>", "a.png", "image/png")
@example(b"", b"words", "a.html", "text/plain")
def test_a_name_or_claim_never_gives_a_right(start: bytes, rest: bytes, name: str, claimed: str | None) -> None:
    found, by_bytes = sniff(start + rest, name, claimed), sniff(start + rest, "", None)
    assert not may_be_inline(found) or found == by_bytes
    assert choose_served_type(found) in (found, UNKNOWN)


@given(st.binary(), st.binary(), st.sampled_from([b"<svg ", b"<script>", b"<HTML>", b"<\0s\0v\0g\0 \0"]), NAMES, CLAIMS)
def test_bytes_with_markup_are_shown_as_text_at_most(
    before: bytes, after: bytes, tag: bytes, name: str, claimed: str | None
) -> None:
    assert sniff(JPEG + before + tag + after, name, claimed) == UNKNOWN
    found = sniff(before + tag + after, name, claimed)
    assert found == "text/plain" or not may_be_inline(found)
    assert not may_be_inline(sniff(b" \r\n" + tag + after, name, claimed))
