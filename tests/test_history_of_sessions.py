"""The history of a recorded editing session: compared at random moments with an independent replay in pycrdt."""

from random import Random

import pycrdt
import pytest

from benchmarks import traces
from collab_server.core.documents.projection import project
from collab_server.core.history.blame import credited_text
from collab_server.core.history.bring_back import bring_back
from collab_server.core.history.moment import Moment, cut_to_moment, without_rows
from collab_server.core.history.segment import HistoryAuthor, Segment, build_row, build_segment, decode_segment
from collab_server.core.history.segment import encode_segment as encode
from collab_server.core.yjs import tree
from collab_server.core.yjs.updates import EMPTY_UPDATE, merge
from tests.core.test_history import credits_of
from tests.require import needs

MOMENTS = 200
BYTES_EACH_EDIT = 3.0
"""The most that the history of this session may take for an edit; measured: 2.7."""


@pytest.fixture(scope="module")
def updates() -> list[tuple[int, bytes]]:
    """(person, update) in the order of the session."""
    needs("traces")
    return [
        (step.person, step.update) for step in traces.session("friendsforever").steps if step.update != EMPTY_UPDATE
    ]


@pytest.fixture(scope="module")
def segment(updates: list[tuple[int, bytes]]) -> Segment:
    rows = [
        build_row(number, number * 1000, HistoryAuthor("user", str(person)), update)
        for number, (person, update) in enumerate(updates, start=1)
    ]
    return build_segment(rows, [update for _, update in updates])


def test_the_content_at_random_moments_is_that_of_a_replay(updates: list[tuple[int, bytes]], segment: Segment) -> None:
    decoded = decode_segment(encode(segment))
    assert decoded == segment
    doc: pycrdt.Doc[pycrdt.Text] = pycrdt.Doc()
    text = doc.get("content", type=pycrdt.Text)
    moment = Moment()
    replayed = 0
    for number in sorted(Random(1).sample(range(1, len(updates) + 1), MOMENTS)):
        for _, update in updates[replayed:number]:
            doc.apply_update(update)
        moment.add(decoded.rows[replayed:number])
        replayed = number
        assert project(cut_to_moment(decoded.update, moment)).content == str(text)


def test_each_character_has_the_person_who_typed_it(segment: Segment) -> None:
    content = tree.read_tree(segment.update).roots["content"]
    runs = list(credited_text(content, credits_of(segment.rows)))
    assert "".join(run.text for run in runs) == project(segment.update).content
    item = content.start
    expected = ""
    while item is not None:
        if not item.deleted and isinstance(item.content, str):
            # The persons of a session type as the Yjs clients 1 and 2.
            expected += str(item.client - 1) * len(item.content)
        item = item.right
    assert "".join((run.credit.author.id or "") * len(run.text) for run in runs if run.credit is not None) == expected


def test_one_persons_edits_are_undone_and_the_other_text_stays(segment: Segment) -> None:
    target = without_rows(segment.rows, lambda row: row.author.id == "0")
    edit = bring_back([segment.update], 99, target, keeps_equal=False)
    after = merge([segment.update, edit.update])
    runs = credited_text(tree.read_tree(segment.update).roots["content"], credits_of(segment.rows))
    others = "".join(run.text for run in runs if run.credit is not None and run.credit.author.id == "1")
    text = project(after).content
    remaining = iter(text)
    assert all(character in remaining for character in others), "visible text of the other person is gone"
    assert edit.result.restored == len(text) - len(others)
    assert bring_back([after], 100, target_of(segment)).result.missing == 0


def target_of(segment: Segment) -> Moment:
    moment = Moment()
    moment.add(segment.rows)
    return moment


def test_the_history_takes_a_few_bytes_an_edit(segment: Segment) -> None:
    assert len(encode(segment)) / len(segment.rows) < BYTES_EACH_EDIT
