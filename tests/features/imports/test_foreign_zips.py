"""Zips that other systems and programs made: names as people wrote them, every document once, and every loss named."""

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab_server.features.imports.foreign import encodings, zip_names
from tests.features.api_harness import ApiHarness
from tests.features.exports.test_archive import sent, space
from tests.features.imports.test_importing import zipped


class RawInfo(zipfile.ZipInfo):
    """An entry whose name is these bytes, as archivers of other systems write them."""

    raw = b""
    flag = 0

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.raw, self.flag


def foreign(files: Sequence[tuple[bytes, str]], *, flag: int = 0, extra: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for raw, content in files:
            info = RawInfo(raw.decode("cp437"))
            info.raw, info.flag, info.extra = raw, flag, extra
            archive.writestr(info, content)
    return file.getvalue()


def names_in(file: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return zip_names.decode_names(archive.infolist())


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "Übersicht/Größe.md"),
        ("utf-8", "日本語/メモ.md"),
        ("cp437", "Übersicht/Größe.md"),
        ("cp437", "café/año.md"),
        ("cp850", "São Paulo/Ação.md"),
        ("cp1252", "Übersicht/Größe.md"),
        ("gbk", "会议记录/项目计划.md"),
        ("gbk", "笔记.md"),
        ("cp932", "議事録/テスト.md"),
        ("cp932", "表/予定.md"),
        ("cp949", "안녕하세요/회의록 자료.md"),
        ("big5", "會議記錄/測試文件.md"),
        ("cp866", "Заметки/Отчёт.md"),
    ],
)
async def test_file_names_of_all_systems_are_decoded(api: ApiHarness, encoding: str, name: str) -> None:
    home = await space(api.owner)
    told = await sent(api.owner, home, foreign([(name.encode(encoding), "x"), (b"plain.md", "y")]), name="x.zip")
    assert [item["file"] for item in told["items"]] == [name, "plain.md"]
    folder, _, title = name.removesuffix(".md").rpartition("/")
    assert told["items"][0]["document"]["title"] == title
    categories = (await api.owner.get(f"/workspaces/{home}/categories")).json()["items"]
    assert [category["name"] for category in categories] == ([folder] if folder else [])


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_a_name_in_utf_8_is_read_with_and_without_the_flag(name: str) -> None:
    expected = [unicodedata.normalize("NFC", name.replace("\\", "/"))]
    assert names_in(foreign([(name.encode(), "")])) == expected
    assert names_in(foreign([(name.encode(), "")], flag=0x800)) == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_in_some_encoding(sample: bytes) -> None:
    for guess in (encodings.guess_name_encoding([sample]), encodings.guess_text_encoding(sample)):
        assert sample.decode(guess, "replace") is not None


def test_a_name_beside_the_old_one_is_believed_unless_that_was_changed() -> None:
    raw, name = b"?bersicht.md", "Übersicht.md"
    inner = struct.pack("<BL", 1, zlib.crc32(raw)) + name.encode()
    extra = struct.pack("<HH", 0x7075, len(inner)) + inner
    assert names_in(foreign([(raw, "x")], extra=extra)) == [name]
    assert names_in(foreign([(b"changed.md", "x")], extra=extra)) == ["changed.md"]


async def test_decomposed_names_of_a_mac_are_composed(api: ApiHarness) -> None:
    home = await space(api.owner)
    told = await sent(api.owner, home, zipped({unicodedata.normalize("NFD", "Größe.md"): "x"}), name="x.zip")
    assert told["items"][0]["document"]["title"] == unicodedata.normalize("NFC", "Größe")


@pytest.mark.parametrize("path", ["Meeting 10:30.md", "Work: plans/a.md", "a:b/c.md", "C:notes.md"])
async def test_a_colon_in_a_name_leads_nowhere(api: ApiHarness, path: str) -> None:
    told = await sent(api.editor, api.team, zipped({path: "x"}), name="x.zip")
    assert [(item["file"], item["status"]) for item in told["items"]] == [(path, "created")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
async def test_two_files_of_one_path_are_two_documents(api: ApiHarness) -> None:
    file = foreign([(b"a.md", "first"), (b"a.md", "second")])
    told = await sent(api.editor, api.team, file, name="x.zip")
    texts = [(await api.editor.get(f"/documents/{item['document']['id']}/content")).text for item in told["items"]]
    assert texts == ["first", "second"]
    assert told["items"][1]["notes"] == ["the archive holds several files of this path; each is a document"]


async def test_metadata_files_of_programs_are_left_out_and_noted(api: ApiHarness) -> None:
    files: dict[str, bytes | str] = {
        "Note.md": "![](images/a.png) ![](images/none.png) ![[b.jpg|100]] ![[Other note#Part]] "
        "![](https://a.org/x.png) `![](code.png)`",
        ".obsidian/workspace.md": "x",
        ".trash/Old.md": "x",
        "images/a.png": "x",
        "b.jpg": "x",
        "data.csv": "x",
        "__MACOSX/._Note.md": "x",
        "Work/Thumbs.db": "x",
        "Work/": "",
    }
    told = await sent(api.editor, api.team, zipped(files), name="x.zip")
    assert [item["file"] for item in told["items"]] == ["Note.md"]
    assert told["items"][0]["notes"] == [
        "1 picture that the text shows from a file beside it was left out: images/none.png",
        "2 files attached that cannot be shown as pictures: images/a.png, b.jpg",
    ]
    assert told["notes"] == [
        "1 file that is no document was left out: data.csv",
        "2 hidden files were left out: .obsidian/workspace.md, .trash/Old.md",
    ]


async def test_an_exported_workspace_that_was_packed_again_in_its_folder_is_the_same(api: ApiHarness) -> None:
    home = await space(api.owner)
    made = await api.make(api.owner, home, title="Größe", content="text")
    exported = (await api.owner.get(f"/workspaces/{home}/export")).content
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        packed = {unicodedata.normalize("NFD", f"Team/{name}"): archive.read(name) for name in archive.namelist()}
    told = await sent(api.owner, home, zipped({"__MACOSX/Team/._x": "", **packed}), name="x.zip")
    assert [(item["document"]["title"], item["notes"]) for item in told["items"]] == [(made["title"], [])]
    assert told["notes"] == []
    # Another manifest is a file as any other.
    told = await sent(api.owner, home, zipped({"Team/manifest.json": "{}", "Team/a.md": "x"}), name="x.zip")
    assert (told["created"], told["notes"]) == (1, ["1 file that is no document was left out: Team/manifest.json"])


async def test_many_losses_are_counted_and_some_named(api: ApiHarness) -> None:
    files: dict[str, bytes | str] = {f"{n:03}.png": "" for n in range(300)}
    told = await sent(api.editor, api.team, zipped({**files, "long" * 99 + ".png": ""}), name="x.zip")
    (note,) = told["notes"]
    assert note.startswith("301 pictures were left out: 000.png, 001.png") and note.endswith(" and 281 more")
    assert len(note) < 500
