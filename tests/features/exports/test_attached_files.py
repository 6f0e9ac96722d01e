"""Exports contain the attachments of their document, and nothing that is somebody else's."""

import io
import json
import re
import zipfile
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import docx
import pypdf
import pytest
from docx.oxml.ns import qn

from tests.features.api_harness import ApiHarness
from tests.features.attachments.attaching import attach, noise, picture
from tests.people import Person

_TARGET = re.compile(r"\]\(([^)]*)\)")


async def exported(who: Person, document_id: str, form: str, **params: Any) -> bytes:
    answer = await who.get(f"/documents/{document_id}/export", params={"format": form, **params})
    assert answer.status_code == 200, answer.text
    return answer.content


async def write(who: Person, document_id: str, text: str) -> None:
    answer = await who.put(f"/documents/{document_id}/content", content=text, headers={"content-type": "text/markdown"})
    assert answer.status_code == 200, answer.text


async def illustrated(api: ApiHarness, *names: str) -> tuple[str, list[Any]]:
    """A document with pictures that its text shows, each of them different; its id, and their attachments."""
    made = (await api.make())["id"]
    files = [await attach(api.editor, made, picture(300 + n, 200), name) for n, name in enumerate(names)]
    shown = "\n\n".join(f"![Picture {n}]({each['url']})" for n, each in enumerate(files))
    await write(api.editor, made, f"# Pictures\n\n{shown}\n")
    return made, files


async def test_a_zip_has_the_text_and_the_files_it_links_to(api: ApiHarness) -> None:
    names = ["a (1).png", "A (1).PNG", "CON.txt", "ünï.png", "x." + "y" * 30, "a#b?.png"]
    made, files = await illustrated(api, *names)
    (_, foreign) = await illustrated(api, "foreign.png")
    gone = await attach(api.editor, made, noise(10), "gone")
    await api.editor.delete(f"/attachments/{gone['id']}")
    text = f"![thumb](https://other.example{files[0]['url'].replace('content', 'thumbnail')}?width=160&x=%20) "
    text += "".join(f"[{n}]({each['url']})" for n, each in enumerate(files))
    await write(api.editor, made, text + f"![]({foreign[0]['url']})")
    found = zipfile.ZipFile(io.BytesIO(await exported(api.viewer, made, "zip")))
    assert found.testzip() is None
    exact = found.read("document.md").decode()
    targets = [unquote(each) for each in _TARGET.findall(exact)]
    assert targets[-1] == foreign[0]["url"], "an attachment of another document stays a link"
    assert targets[0] == targets[1]
    assert [found.read(each) for each in targets[1:-1]] == [picture(300 + n, 200) for n in range(len(files))]
    paths = [each for each in found.namelist() if each != "document.md"]
    assert sorted(paths) == sorted(targets[1:-1]) and len({path.casefold() for path in paths}) == len(files)
    assert all(path.startswith("files/") and ".." not in path for path in paths)
    assert not any(PurePosixPath(path).stem.upper() == "CON" for path in paths)


async def test_a_page_has_its_pictures_in_it(api: ApiHarness) -> None:
    made, files = await illustrated(api, "one.png", "two.png")
    large = await attach(api.editor, made, picture(90, 90) + bytes(16_000_000), "large.png")
    svg = await attach(api.editor, made, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "x.svg")
    (_, foreign) = await illustrated(api, "foreign.png")
    others = [f"![]({each['url']})" for each in (large, svg, foreign[0])]
    text = f"![a]({files[0]['url']}) {' '.join(others)} `![]({files[0]['url']})` ![](https://example.org/i.png)"
    await write(api.editor, made, text)
    page = (await exported(api.viewer, made, "html")).decode()
    sources = re.findall(r'<img src="([^"]*)"', page)
    assert sources[0].startswith("data:image/png;base64,")
    assert sources[1:] == [large["url"], svg["url"], foreign[0]["url"], "https://example.org/i.png"]
    assert f"![]({files[0]['url']})</code>" in page, "text that is no picture stays"


@pytest.mark.parametrize("form", ["html", "docx", "pdf"])
async def test_a_copy_is_outdated_when_a_picture_is_gone(api: ApiHarness, form: str) -> None:
    made, files = await illustrated(api, "one.png")
    path = f"/documents/{made}/export?format={form}"
    etag = (await api.viewer.get(path)).headers["etag"]
    assert (await api.viewer.get(path, headers={"if-none-match": etag})).status_code == 304
    await api.editor.delete(f"/attachments/{files[0]['id']}")
    assert (await api.viewer.get(path, headers={"if-none-match": etag})).status_code == 200


async def test_word_and_pdf_files_show_pictures_where_they_are(api: ApiHarness) -> None:
    made, files = await illustrated(api, "one.png", "two.png")
    photo = await attach(api.editor, made, picture(2400, 300, "JPEG", exif=b"Exif\0\0secret place"), "photo.jpg")
    broken = await attach(api.editor, made, picture()[:200], "broken.png")
    webp = await attach(api.editor, made, picture(64, 64, "WEBP"), "small.webp")
    (_, foreign) = await illustrated(api, "foreign.png")
    text = (
        f"before ![Ann & <Bob>]({files[0]['url']}) after\n\n- item ![]({files[1]['url']})\n\n"
        f"| a | b |\n|---|---|\n| ![]({photo['url']}) | [![w]({webp['url']})](https://example.org) |\n\n"
        f"![left]({broken['url']}) ![other]({foreign[0]['url']}) ![again]({files[0]['url']})\n"
    )
    await write(api.editor, made, text)
    word = await exported(api.viewer, made, "docx")
    read = docx.Document(io.BytesIO(word))
    shown = read.element.body.findall(f".//{qn('wp:docPr')}")
    assert [each.get("descr") for each in shown] == ["Ann & <Bob>", "", "", "w", "again"]
    assert [int(each.get("id")) for each in shown] == [1, 2, 3, 4, 5]
    assert "left" in read.paragraphs[-1].text and "other" in read.paragraphs[-1].text
    with zipfile.ZipFile(io.BytesIO(word)) as package:
        media = [name for name in package.namelist() if "/media/" in name]
        assert len(media) == 4, "a picture that is shown twice is stored once"
        assert not any(b"secret place" in package.read(name) for name in package.namelist())
    widths = [int(each.get("cx")) for each in read.element.body.findall(f".//{qn('wp:extent')}")]
    assert widths[0] == 300 * 9525 and max(widths) <= 8640 * 635
    pages = pypdf.PdfReader(io.BytesIO(await exported(api.viewer, made, "pdf"))).pages
    assert sum(len(page.images) for page in pages) >= 4
    words = "".join(page.extract_text() for page in pages)
    assert "before" in words and "left" in words and "other" in words


async def test_a_word_document_with_comments_shows_pictures(api: ApiHarness) -> None:
    made, _ = await illustrated(api, "one.png")
    anchor = {"quote": "Pictures"}
    thread = await api.editor.post(f"/documents/{made}/comments", json={"content": "why?", "anchor": anchor})
    assert thread.status_code == 201, thread.text
    read = docx.Document(io.BytesIO(await exported(api.editor, made, "docx")))
    assert len(read.inline_shapes) == 1 and b"why?" in await exported(api.editor, made, "html", comments="true")
    assert b'src="data:image/png' in await exported(api.editor, made, "html", comments="true")


async def test_an_archive_has_the_attachments_and_tells_of_them(api: ApiHarness) -> None:
    space = (await api.owner.post("/workspaces", json={"name": "Files"})).json()["id"]
    group = (await api.owner.post(f"/workspaces/{space}/categories", json={"name": "Deep/er"})).json()["id"]
    made = (await api.make(api.owner, workspace=space, title="Plan", category_id=group))["id"]
    empty = (await api.make(api.owner, workspace=space, title="Plan", category_id=group))["id"]
    one = await attach(api.owner, made, picture(11, 11), "pic.png")
    two = await attach(api.owner, made, noise(900_000), "data.bin")
    await write(api.owner, made, f"![p]({one['url']}) [d]({two['url']})")
    answer = await api.owner.get(f"/workspaces/{space}/export")
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    entries = {each["id"]: each for each in json.loads(found.read("manifest.json"))["documents"]}
    assert "attachments" not in entries[empty]
    told = entries[made]["attachments"]
    assert [(each["id"], each["file_name"], each["checksum_sha256"]) for each in told] == [
        (each["id"], each["file_name"], each["checksum_sha256"]) for each in (one, two)
    ]
    assert [found.read(each["path"]) for each in told] == [picture(11, 11), noise(900_000)]
    text = PurePosixPath(entries[made]["files"]["md"])
    targets = [unquote(each) for each in _TARGET.findall(found.read(str(text)).decode())]
    assert [str(text.parent / each) for each in targets] == [each["path"] for each in told]
