"""Archives in the ZIP64 format are read within the same bounds as others."""

import io
import struct
import zipfile

import pytest

from collab_server.errors import Malformed, TooLarge
from collab_server.features.imports.archive_reader import Archive
from tests.features.api_harness import ApiHarness
from tests.features.exports.test_archive import sent
from tests.features.imports.test_importing import refusal

END_64, LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
EXTRA_64 = struct.pack("<HH", 1, 24)
"""The head of an extra field with two sizes and an offset."""


def zip64(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, comment: bytes = b"") -> bytes:
    """A zip whose directory and entries are of the format, as those of more than 4 GB or 65,535 files must be."""
    file = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 0)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            # The first entry has the offset 0, which is never in an extra field.
            files = {"_": b"", **files}
            for name, content in files.items():
                with archive.open(name, "w", force_zip64=True) as entry:
                    entry.write(content)
            archive.comment = comment
    made = file.getvalue()
    assert END_64 in made and LOCATOR_64 in made and EXTRA_64 in made
    return made


def changed(archive: bytes, signature: bytes, offset: int, form: str, value: int) -> bytes:
    """The archive with another number behind the last place with this signature."""
    made = bytearray(archive)
    struct.pack_into(form, made, made.rfind(signature) + offset, value)
    return bytes(made)


@pytest.mark.parametrize("comment", [b"", b"with a comment"])
async def test_they_become_documents(api: ApiHarness, monkeypatch: pytest.MonkeyPatch, comment: bytes) -> None:
    packed = zip64({"a.md": b"# A\n\n[file](data.bin)", "b/c.md": b"text", "data.bin": b"data"}, monkeypatch, comment)
    told = await sent(api.editor, api.team, packed, name="x.zip")
    assert [(item["status"], item["document"]["title"]) for item in told["items"]] == [
        ("created", "A"),
        ("created", "c"),
    ]
    kept = (await api.editor.get(f"/documents/{told['items'][0]['document']['id']}/attachments")).json()["items"]
    assert [one["file_name"] for one in kept] == ["data.bin"]


async def test_their_bombs_stop_at_the_bound(api: ApiHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zip64({f"{n}.md": b"x" * 40_000_000 for n in range(2)}, monkeypatch)
    told = await sent(api.editor, api.team, bomb, name="x.zip")
    assert [item["code"] for item in told["items"]] == ["too_large"] * 2


async def test_their_numbers_are_not_believed(api: ApiHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    good = zip64({"a.md": b"fine"}, monkeypatch)
    for size in (17_000_000, 2**63, 2**64 - 1):
        assert await refusal(api, changed(good, END_64, 40, "<Q", size), name="x.zip") == (413, "too_large")
    for place in (0, good.rfind(END_64) + 1, 2**64 - 1):
        assert await refusal(api, changed(good, LOCATOR_64, 8, "<Q", place), name="x.zip") == (400, "malformed")
    assert await refusal(api, changed(good, END_64, 0, "<I", 0), name="x.zip") == (400, "malformed")
    for offset in (4, 12, 20):  # unpacked size, packed size, place of the entry
        for value in (0, 1, 2**31, 2**63, 2**64 - 1):
            told = await sent(api.editor, api.team, changed(good, EXTRA_64, offset, "<Q", value), name="x.zip")
            (item,) = told["items"]
            # A size that is only said harms nobody.
            assert item["code"] in ("malformed", "too_large") or (item["code"] is None and offset != 20), value


def test_more_files_than_other_zips_can_have() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(65_600):
            archive.writestr(f"{number}.x", b"")
        archive.writestr("a.md", b"fine")
    assert LOCATOR_64 in file.getvalue()
    archive_read = Archive(file, 4_000_000)
    (member,) = archive_read.members()
    assert member.file is not None and archive_read.read(member.file, 100) == b"fine"


def test_a_directory_of_any_size_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    good = zip64({"a.md": b"fine"}, monkeypatch)
    with pytest.raises(TooLarge):
        Archive(io.BytesIO(changed(good, END_64, 40, "<Q", 16_000_001)), 1000)
    with pytest.raises(Malformed):
        Archive(io.BytesIO(good[: good.rfind(LOCATOR_64)] + good[good.rfind(LOCATOR_64) + 1 :]), 1000)
