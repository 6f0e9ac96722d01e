"""Earlier texts show pictures that were deleted since, and name those that are gone."""

import io
import zipfile
from uuid import UUID

import docx

from tests.features.api_harness import ApiHarness, refused
from tests.features.attachments.attaching import attach, picture, processed
from tests.people import run


async def test_a_version_and_a_moment_show_deleted_pictures_until_they_are_purged(api: ApiHarness) -> None:
    made = (await api.make())["id"]
    one = await processed(api.editor, await attach(api.editor, made, picture(400, 300), "one.png"))
    other = await attach(api.editor, (await api.make())["id"], picture(31, 31), "other.png")
    text = f"![A & B]({one['url']}) ![]({one['thumbnail_url']}?width=160) ![o]({other['url']})"
    path = f"/documents/{made}"
    kind = {"content-type": "text/markdown"}
    assert (await api.editor.put(f"{path}/content", content=text, headers=kind)).status_code == 200
    version = (await api.editor.post(f"{path}/versions", json={})).json()
    seq = (await api.viewer.get(f"{path}/versions/1/content")).headers["x-document-seq"]
    await api.editor.put(f"{path}/content", content="nothing", headers=kind)
    await api.editor.delete(f"/attachments/{one['id']}")
    assert (await api.viewer.get(f"/attachments/{one['id']}/content")).status_code == 404
    pages = [f"{path}/content?version={version['number']}&format=html", f"{path}/at?seq={seq}&format=html"]
    for page in pages:
        shown = (await api.viewer.get(page)).text
        assert f'src="{one["url"]}?deleted=true"' in shown and f'src="{other["url"]}"' in shown
        assert f'src="{one["thumbnail_url"]}?width=160&amp;deleted=true"' in shown
    assert (await api.viewer.get(f"/attachments/{one['id']}/content?deleted=true")).content == picture(400, 300)
    assert (await api.viewer.get(f"/attachments/{one['id']}/thumbnail?deleted=true&width=160")).status_code == 200
    assert refused(await api.stranger.get(f"/attachments/{one['id']}/content?deleted=true")) == (404, "not_found")
    exports = f"{path}/export?version=1&format="
    assert (await api.viewer.get(exports + "html")).text.count("data:image/png;base64,") == 2
    assert len(docx.Document(io.BytesIO((await api.viewer.get(exports + "docx")).content)).inline_shapes) == 2
    archive = zipfile.ZipFile(io.BytesIO((await api.viewer.get(exports + "zip")).content))
    assert archive.read("files/one.png") == picture(400, 300)
    await run(
        api.server, "UPDATE attachments SET deleted_at = now() - interval '1 year' WHERE id = $1", [(UUID(one["id"]),)]
    )
    await api.server.maintain()
    for page in (*pages, exports + "html"):
        shown = (await api.viewer.get(page)).text
        assert "<em>[this picture is gone: A &amp; B]</em>" in shown and "<em>[this picture is gone]</em>" in shown
        assert f'src="{other["url"]}"' in shown and one["id"] not in shown
