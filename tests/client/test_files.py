"""Attachments of documents that a client lists and downloads."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from collab_server.client.files.downloading import DamagedDownload
from collab_server.client.files.file_store import NoSuchFile, _make_name
from collab_server.client.wire import ServerUnavailable
from tests.client.devices import device
from tests.client.test_command import Shell
from tests.features.api_harness import ApiHarness
from tests.features.attachments.attaching import attach, noise


async def test_attachments_are_listed_offline_and_downloaded_once(field: ApiHarness, tmp_path: Path) -> None:
    made = UUID((await field.make())["id"])
    one = await attach(field.editor, str(made), noise(3_000_000), "plan.bin")
    await attach(field.editor, str(made), b"", "empty")
    async with device(tmp_path, field.other) as laptop:
        await laptop.sync()
        assert await laptop.files(made) == []
        with pytest.raises(NoSuchFile):
            await laptop.download(UUID(one["id"]))
        assert (await laptop.sync()).pulled == 1
        first, second = await laptop.files(made)
        assert (first.name, first.size, first.path) == ("plan.bin", 3_000_000, None)
        path = await laptop.download(first.id)
        assert path.read_bytes() == noise(3_000_000) and (await laptop.download(second.id)).read_bytes() == b""
        wire = await laptop.connection()
        before = wire.requests
        assert (await laptop.files(made))[0].path == path == await laptop.download(first.id)
        assert wire.requests == before
        path.write_bytes(b"damaged")
        assert (await laptop.download(first.id)).read_bytes() == noise(3_000_000)
        await field.editor.patch(f"/attachments/{one['id']}", json={"file_name": "other.bin"})
        await laptop.sync()
        assert [each.name for each in await laptop.files(made)] == ["other.bin", "empty"]
        await field.editor.delete(f"/attachments/{one['id']}")
        await laptop.sync()
        assert [each.name for each in await laptop.files(made)] == ["empty"] and not path.exists()
        await field.editor.delete(f"/documents/{made}")
        await laptop.sync()
        assert not list((tmp_path / "missing").parent.rglob("empty"))


async def test_bytes_that_are_not_those_of_the_attachment_are_not_kept(field: ApiHarness, tmp_path: Path) -> None:
    made = UUID((await field.make())["id"])
    one = await attach(field.editor, str(made), noise(1000), "a.bin")
    path = field.server.data_dir / "files" / _key(field, one)
    async with device(tmp_path, field.other) as laptop:
        await laptop.sync()
        await laptop.files(made)
        await laptop.sync()
        path.write_bytes(noise(1000, seed=2))
        with pytest.raises(DamagedDownload):
            await laptop.download(UUID(one["id"]))
        path.write_bytes(noise(10))
        with pytest.raises((DamagedDownload, ServerUnavailable)):
            await laptop.download(UUID(one["id"]))
        assert (await laptop.files(made))[0].path is None and not list(tmp_path.rglob("*.part"))


def _key(field: ApiHarness, attachment: dict[str, str]) -> str:
    digest = attachment["checksum_sha256"]
    return f"objects/{field.team}/{digest[:2]}/{digest}"


async def test_the_command_lists_and_downloads_files(field: ApiHarness, tmp_path: Path) -> None:
    made = await field.make(title="With files")
    one = await attach(field.editor, made["id"], b"words", "words.txt")
    shell = Shell(tmp_path / "documents.sqlite")
    await shell.run("init", field.server.http, "--token", field.other.token)
    await shell.run("files", made["id"])
    await shell.run("sync")
    assert f"{one['id']}              5 words.txt" in await shell.run("files", made["id"])
    target = (await shell.run("download", one["id"], "--to", str(tmp_path))).strip()
    assert await asyncio.to_thread(Path(target).read_bytes) == b"words"
    assert f"{one['id']} +            5 words.txt" in await shell.run("files", made["id"])
    assert "there is no file" in await shell.run("download", made["id"], fails=True)


@pytest.mark.parametrize("name", ["../../x", "", ".", "..", "a/b", "x.part", "n\0ul", "\u202etxt", "é" * 400, "a\\b"])
def test_a_name_of_a_server_stays_in_its_folder(name: str) -> None:
    made = _make_name(name)
    assert Path("folder", made).parent == Path("folder") and made not in (".", "..")
    assert not made.endswith(".part") and len(made.encode()) < 255 and made.isprintable()
