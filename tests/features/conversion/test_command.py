"""`collab-server document convert` beside a running server."""

from pathlib import Path

from tests.features.api_harness import ApiHarness
from tests.features.conversion.test_conversion_api import MARKDOWN, WRITTEN, content, details, nodes
from tests.features.exports.test_commands import ran
from tests.features.history.test_generations import hand_over
from tests.peers import Peer


async def test_a_document_is_converted_while_a_server_runs(api: ApiHarness, tmp_path: Path) -> None:
    made = await api.make(content=MARKDOWN, name="plan")
    peer = await Peer(api.server, "yws", made["id"], token=api.other.token).sync()
    command = ("document", "convert", f"@{api.slug}/plan", "--to")
    status, output, errors = await ran(api, *command, "rich_text", folder=tmp_path)
    assert (status, errors) == (0, "")
    assert output.decode() == f"{made['id']}  rich text, generation 1; version 1 has the document before\n"
    await peer.refused()
    assert await nodes(api, made) == ["heading", "paragraph", "bulletList"]
    peer.insert(" and three", len(peer.content.rstrip()))
    assert (await hand_over(api, peer, api.other, 0))["generation"] == 1
    assert await content(api, made) == f"{WRITTEN} and three"
    status, _, errors = await ran(api, *command, "rich_text", folder=tmp_path)
    assert (status, errors) == (1, "collab-server: the text of this document is rich text already\n")
    assert (await details(api, made))["settings"]["editor_mode"] == "wysiwyg"
    await peer.close()
