"""The content of versions in other routes: content, export, and edits with a version as their base."""

import json

from tests.features.api_harness import ApiHarness, refused
from tests.features.history.test_history_api import content, get, name_version, typed
from tests.peers import Peer


async def test_content_and_export_of_a_version(api: ApiHarness) -> None:
    made = await api.make(content="# One\n\nwords\n", title="Before")
    await name_version(api.editor, made)
    await typed(api, api.other, made, "more\n", 13)
    assert (await api.editor.patch(f"/documents/{made['id']}", json={"title": "After"})).status_code == 200
    text = "# One\n\nwords\n"
    assert (await get(api.viewer, made, "content", version=1)).text == text
    assert (await get(api.viewer, made, "content")).text == text + "more\n"
    assert (await get(api.viewer, made, "content", version=1, format="json")).json()["content"] == text
    assert "<h1>One</h1>" in (await get(api.viewer, made, "content", version=1, format="html")).text
    file = await get(api.viewer, made, "export", version=1)
    assert file.text == text
    assert 'filename="Before.md"' in file.headers["content-disposition"]
    same = await api.viewer.get(
        f"/documents/{made['id']}/export", params={"version": 1}, headers={"if-none-match": file.headers["etag"]}
    )
    assert same.status_code == 304
    whole = json.loads((await get(api.viewer, made, "export", version=1, format="json")).text)
    assert (whole["title"], whole["content"]) == ("Before", text)
    assert "<title>Before</title>" in (await get(api.viewer, made, "export", version=1, format="html")).text
    assert (await get(api.viewer, made, "export", version=1, format="txt")).text == "One\nwords\n"
    update = (await get(api.viewer, made, "export", version=1, format="yjs")).content
    assert update == (await get(api.viewer, made, "versions/1/content", format="yjs")).content
    assert (await get(api.viewer, made, "export", version=1, format="docx")).content.startswith(b"PK")
    assert (await get(api.viewer, made, "export", version=1, format="pdf")).content.startswith(b"%PDF")
    for path in ("content", "export"):
        for who, number in ((api.viewer, 2), (api.stranger, 1)):
            answer = await who.get(f"/documents/{made['id']}/{path}", params={"version": number})
            assert refused(answer) == (404, "not_found")


async def test_an_edit_refers_to_a_version(api: ApiHarness) -> None:
    made = await api.make(content="one two three")
    await name_version(api.editor, made)
    await typed(api, api.other, made, "zero ", 0)
    path, to_first = f"/documents/{made['id']}/content", {"if-match": '"version:1"'}
    merged = await api.editor.put(path, json={"content": "one 2 three"}, headers=to_first)
    assert merged.status_code == 200, merged.text
    assert (merged.json()["merged"], await content(api, made)) == (True, "zero one 2 three")
    patched = await api.editor.patch(path, json={"edits": [{"at": 8, "delete": 5, "insert": "3"}]}, headers=to_first)
    assert patched.status_code == 200, patched.text
    assert await content(api, made) == "zero one 2 3"
    only = await api.editor.put(f"{path}?on_conflict=fail", json={"content": "x"}, headers=to_first)
    assert refused(only) == (412, "precondition_failed")
    absent = await api.editor.put(path, json={"content": "x"}, headers={"if-match": '"version:2"'})
    assert refused(absent) == (404, "not_found")
    wrong = await api.editor.put(path, json={"content": "x"}, headers={"if-match": '"version:0"'})
    assert refused(wrong) == (400, "malformed")


async def test_the_base_of_an_edit_is_the_version_and_not_only_its_text(api: ApiHarness) -> None:
    """A word that was deleted and typed again since is somebody else's."""
    made = await api.make(content="a b")
    await name_version(api.editor, made)
    peer = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    del peer.text[2:3]
    peer.insert("b b", 2)
    await peer.saved()
    await peer.close()
    answer = await api.editor.put(
        f"/documents/{made['id']}/content", json={"content": "a "}, headers={"if-match": '"version:1"'}
    )
    assert answer.status_code == 200, answer.text
    assert await content(api, made) == "a b b"
