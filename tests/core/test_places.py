"""Where an edit ends, for people to see it there."""

import pytest

from collab_server.core.yjs.composer import Composer
from collab_server.core.yjs.edit_functions import Place


def test_the_last_insertion_is_the_place() -> None:
    composer = Composer(1, 0)
    composer.text("content", (5, 1), None, "a🙂")
    assert composer.place == Place((1, 2), behind=True)
    composer.delete(5, 3, 4)
    assert composer.place == Place((1, 2), behind=True)
    element = composer.element("default", None, None, "heading", {"level": 2})
    assert composer.place == Place(element, behind=True)


def test_a_deletion_alone_is_at_its_beginning() -> None:
    composer = Composer(1, 0)
    assert composer.place is None
    composer.delete(5, 3, 9)
    assert composer.place == Place((5, 3), behind=False)


def test_formats_and_attributes_have_the_place_of_their_content() -> None:
    for left, right, place in (
        ((5, 1), (5, 2), Place((5, 1), behind=True)),
        (None, (5, 2), Place((5, 2), behind=False)),
        (None, None, Place((5, 0), behind=False)),
    ):
        composer = Composer(1, 0)
        composer.format((5, 0), left, right, "bold", True)
        assert composer.place == place
    composer = Composer(1, 0)
    composer.attribute((5, 0), (5, 7), "level", 2)
    assert composer.place == Place((5, 0), behind=False)


@pytest.mark.parametrize(("behind", "assoc"), [(True, -1), (False, 0)])
def test_a_place_is_a_relative_position_of_yjs(*, behind: bool, assoc: int) -> None:
    position = Place((7, 42), behind=behind).relative_position
    assert position == {"type": None, "tname": None, "item": {"client": 7, "clock": 42}, "assoc": assoc}
