"""The texts of PDF and Word files: what is read of them, and what hostile files cost."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pypdf
import pytest
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

from collab_server.errors import UnprocessableContent
from collab_server.features.attachments.texts import readers
from collab_server.features.attachments.texts.readers import PDF, WORD, read_text
from collab_server.features.exports.formats import write_docx, write_pdf

NOW = datetime.now(UTC)


def pdf(text: str) -> bytes:
    return write_pdf(text, "A title", NOW, {})


def word(body: bytes, name: str = "word/document.xml") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, body)
    return file.getvalue()


def written(writer: pypdf.PdfWriter) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def encrypted(opened_by: str = "user", algorithm: str = "AES-256") -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("Secret words")))
    writer.encrypt(opened_by, "owner", algorithm=algorithm)
    return written(writer)


def endless_pages() -> bytes:
    """A PDF whose tree of pages has itself as a child."""
    writer = pypdf.PdfWriter()
    writer.add_blank_page(10, 10)
    pages = writer._root_object["/Pages"]
    assert isinstance(pages, DictionaryObject)
    kids = pages["/Kids"]
    assert isinstance(kids, ArrayObject)
    kids.append(writer._root_object.raw_get("/Pages"))
    pages[NameObject("/Count")] = NumberObject(9)
    return written(writer)


def entity_bomb() -> bytes:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 9))
    return word(f'<!DOCTYPE w [<!ENTITY e0 "boom">{entities}]><w><t>&e8;</t></w>'.encode())


def test_words_of_a_pdf_and_of_a_word_file_are_read_in_their_order() -> None:
    text = "# A heading\n\nFirst paragraph.\n\n| left | right |\n| --- | --- |\n| cell | other |\n"
    for octets, kind in ((pdf(text), PDF), (write_docx(text, "A title", NOW, {}), WORD)):
        found, truncated = read_text(octets, kind)
        assert found.split()[:4] == ["A", "heading", "First", "paragraph."]
        assert {"left", "right", "cell", "other"} <= set(found.split())
        assert not truncated


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_pdf_that_opens_without_a_password_is_read(algorithm: str) -> None:
    assert "Secret words" in read_text(encrypted("", algorithm), PDF).text


def test_a_long_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_CHARACTERS", 10)
    assert read_text(pdf("One two three four"), PDF) == ("One two th", True)
    found, truncated = read_text(write_docx("One two three four", "A", NOW, {}), WORD)
    assert (found, truncated) == ("One two th", True)


def test_what_postgresql_cannot_store_is_left_out() -> None:
    assert read_text(word(b"<w><t>a</t><p/><t>b\xc3\xa9</t></w>"), WORD).text == "a\nbé"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (encrypted, PDF),
        (lambda: pdf("Cut off")[:400], PDF),
        (lambda: b"%PDF-1.7\n" + bytes(1000), PDF),
        (lambda: b"", PDF),
        (lambda: b"PK\x03\x04 no zip", WORD),
        (lambda: word(b"<w><t>not closed"), WORD),
        (lambda: word(b"<w/>", "word/other.xml"), WORD),
        (lambda: word(b"<w><t>" + b"a" * (readers.MAX_WORD_BYTES + 1)), WORD),
    ],
    ids=["encrypted", "cut", "zeros", "empty", "no zip", "no end", "no text", "bomb"],
)
def test_a_file_that_cannot_be_read_is_refused(make: Callable[[], bytes], kind: str) -> None:
    with pytest.raises(UnprocessableContent):
        read_text(make(), kind)


@pytest.mark.parametrize(("make", "kind"), [(endless_pages, PDF), (entity_bomb, WORD)], ids=["pages", "entities"])
def test_a_file_without_an_end_ends(make: Callable[[], bytes], kind: str) -> None:
    try:
        found = read_text(make(), kind)
    except UnprocessableContent:
        return
    assert len(found.text) < 1000
