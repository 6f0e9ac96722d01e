"""Front matter tells title, tags and dates, is kept as it is, and is shown nowhere."""

import io
import json

import docx
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.markdown import front_matter
from collab_server.features.content import markup
from collab_server.features.imports.foreign import yaml_header
from tests.features.api_harness import ApiHarness
from tests.features.exports.test_archive import sent
from tests.features.imports.test_importing import only, zipped

JOPLIN = """\
---
title: "Plans: 10:30"
updated: 2024-02-03 04:05:06Z
created: 2024-01-02T03:04:05
source: ''
tags:
  - Work
  - "#Home office"
aliases: [Old plans, P]
---

# Heading

text
"""


async def test_a_file_of_joplin_or_obsidian_brings_its_title_tags_and_dates(api: ApiHarness) -> None:
    made = await only(api, JOPLIN.encode(), name="x.md", tags=["Given", "work"])
    assert made["title"] == "Plans: 10:30"
    assert sorted(tag["name"] for tag in made["tags"]) == ["Given", "Home office", "work"]
    assert made["metadata"] == {
        "aliases": ["Old plans", "P"],
        "created": "2024-01-02T03:04:05",
        "updated": "2024-02-03T04:05:06+00:00",
    }
    assert made["text"] == JOPLIN
    exported = await api.editor.get(f"/documents/{made['id']}/export", params={"format": "md"})
    assert exported.text == JOPLIN


async def test_files_of_a_zip_bring_theirs_and_a_manifest_goes_before(api: ApiHarness) -> None:
    told = await sent(api.editor, api.team, zipped({"a.md": JOPLIN}), name="x.zip")
    document = (await api.editor.get(f"/documents/{told['items'][0]['document']['id']}")).json()
    assert (document["title"], len(document["tags"]), document["metadata"]["aliases"][0]) == (
        "Plans: 10:30",
        2,
        "Old plans",
    )
    entry = {"title": "Own", "tags": ["Mine"], "metadata": {"a": 1}, "files": {"md": "a.md"}}
    manifest = json.dumps({"format": "collab_server/workspace", "version": 1, "documents": [entry]})
    told = await sent(api.editor, api.team, zipped({"a.md": JOPLIN, "manifest.json": manifest}), name="x.zip")
    document = (await api.editor.get(f"/documents/{told['items'][0]['document']['id']}")).json()
    assert (document["title"], [tag["name"] for tag in document["tags"]], document["metadata"]) == (
        "Own",
        ["Mine"],
        {"a": 1},
    )


@pytest.mark.parametrize("form", ["html", "txt", "docx", "pdf"])
async def test_front_matter_is_in_no_export_that_shows_the_text(api: ApiHarness, form: str) -> None:
    made = await api.make(title="T", content=JOPLIN.replace("title:", "secretkey:"))
    file = (await api.editor.get(f"/documents/{made['id']}/export", params={"format": form})).content
    if form == "docx":
        shown = "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(file)).paragraphs)
    elif form == "pdf":
        shown = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(file)).pages)
    else:
        shown = file.decode()
    assert "secretkey" not in shown and "Old plans" not in shown
    assert "Heading" in shown and "text" in shown


async def test_front_matter_in_a_document_of_nodes_is_no_heading_and_comes_back(api: ApiHarness) -> None:
    made = await api.make(title="T", content="")
    text = JOPLIN.removesuffix("\n")
    answer = await api.editor.put(f"/documents/{made['id']}/content", json={"content": text})
    assert answer.status_code == 200, answer.text
    assert (await api.editor.get(f"/documents/{made['id']}/content")).text == text


async def test_the_last_line_of_front_matter_underlines_no_heading(api: ApiHarness) -> None:
    made = await api.make(title="T", content=JOPLIN)
    insert = {"content": "more", "heading": "Heading", "position": "end"}
    answer = await api.editor.post(f"/documents/{made['id']}/content/insert", json=insert)
    assert answer.status_code == 200, answer.text
    insert["heading"] = "tags:"
    assert (await api.editor.post(f"/documents/{made['id']}/content/insert", json=insert)).status_code == 409


@pytest.mark.parametrize(
    "text",
    [
        "---\n\ntext\n\n---\n",
        "---\ntext\n---\n",
        "---\n---\n",
        "---\na: b\n",
        "----\na: b\n---\n",
        " ---\na: b\n---\n",
        "text\n---\na: b\n---\n",
        "---\n- a\n- b\n---\n",
        "---\nhttps://example.org\n---\n",
        "---\na: b\nthis is a text\n---\n",
        "---\na: " + "b" * 40_000 + "\n---\n",
        "***\na: b\n***\n",
    ],
)
def test_malformed_front_matter_is_text(text: str) -> None:
    assert front_matter.split_front_matter(text) == ("", text)


@pytest.mark.parametrize(
    "text",
    [
        "---\na: b\n---\n# x",
        "---\na: b\n...\n# x",
        "---\r\na: b\r\n---\r\n# x",
        "---\n# comment\n\n\"a b\": c\n'd': e\nlist:\n- f\n  - g\nflow: [\n h,\n]\n---\n",
        "---\na:\n---",
    ],
)
def test_front_matter_is_told_by_its_shape(text: str) -> None:
    block, rest = front_matter.split_front_matter(text)
    assert block and block + rest == text and rest in ("", "# x")


@given(st.text("-ab: \n#.'[]"))
def test_nothing_is_lost_by_looking_for_front_matter(text: str) -> None:
    block, rest = front_matter.split_front_matter(text)
    assert block + rest == text
    markup.render(text, "html")


def header(inner: str) -> yaml_header.Header:
    return yaml_header.read(f"---\n{inner}\n---\n")


@pytest.mark.parametrize(
    ("inner", "tags"),
    [
        ("tags: 'a, b c, #d'", ("a", "b c", "d")),
        ("tags: 'a b #c'", ("a", "b", "c")),
        ("tags: [a, A, '#b', b/c, 2024, no]", ("a", "b", "b/c", "2024", "no")),
        ("tag: a", ("a",)),
        ("keywords:\n  - a\n  - {b: c}\n  - [d]\n  -", ("a",)),
        ("tags: {a: b}", ()),
        ("tags:", ()),
    ],
)
def test_tags_are_written_in_many_ways(inner: str, tags: tuple[str, ...]) -> None:
    assert header(inner).tags == tags


@pytest.mark.parametrize(
    ("inner", "title"),
    [
        ("title: no", "no"),
        ("title: 10:30", "10:30"),
        ("title: 2024-01-01", "2024-01-01"),
        ("Title: 'a: b'", "a: b"),
        ("title: >\n  a\n  b", "a b"),
        ("title: [a]", ""),
        ("title: !!python/object/apply:os.system ['true']", ""),
    ],
)
def test_a_title_keeps_its_written_form(inner: str, title: str) -> None:
    assert header(inner).title == title


def test_yaml_is_read_within_bounds() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 200)) + "tags: *a199"
    for inner in (bomb, "tags: " + "[" * 5_000, "title: a: b", "a: 'x", "title: \x00", "tags: !!int x"):
        told = header(inner)
        assert not told.title and len(told.tags) <= 50
    (note,) = header("a: b\ntitle: a: b").notes
    assert note == "the front matter is not YAML that can be read (line 3): its fields were not taken"
    many = header("tags: [" + ", ".join(f"t{n}" for n in range(60)) + "]\ntitle: " + "x" * 900)
    assert (len(many.tags), len(many.title)) == (50, 500)
    assert many.notes[0].startswith("10 tags of the front matter were left out: t50, t51")


def test_dates_are_iso_or_nothing() -> None:
    assert header("date: 2024-01-02").metadata == {"created": "2024-01-02"}
    assert header("created: soon\ndate: 2024-01-02 03:04\nlastmod: 2024-13-45").metadata == {
        "created": "2024-01-02T03:04:00"
    }
