"""How much of a pull is in memory at a time."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from collab_server.core.protocol.offline_sync import PullRequest
from collab_server.features.sync.pulling import BATCH, BATCH_BYTES, split_batches
from collab_server.features.sync.queries import Head

SIZES = st.lists(st.integers(0, BATCH_BYTES * 2) | st.integers(0, 5000), max_size=200)


@given(SIZES)
def test_a_batch_is_small_or_one_document(sizes: list[int]) -> None:
    heads = {uuid4(): Head(0, 1, size, 1) for size in sizes}
    wanted = [PullRequest(document_id) for document_id in heads]
    made = list(split_batches(wanted, heads))
    assert [one for batch in made for one in batch] == wanted
    for batch in made:
        total = sum(heads[one.document_id].size for one in batch)
        assert total <= BATCH_BYTES or sum(heads[one.document_id].size > 0 for one in batch) == 1
        assert len(batch) <= BATCH


def test_what_a_client_has_already_takes_no_place() -> None:
    heads = {uuid4(): Head(3, 7, BATCH_BYTES, 1) for _ in range(BATCH)}
    wanted = [PullRequest(document_id, b"\0", 3, 7) for document_id in heads]
    assert list(split_batches(wanted, heads)) == [wanted]
