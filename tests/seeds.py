"""The seed of a test's random numbers.

It is the same in every run, so that a failure belongs to the change that brought it.
"""

import os
import random


def choose_seed() -> int:
    """Print and return COLLAB_TEST_SEED, or else a random seed with COLLAB_RANDOM_EXAMPLES, or else 1."""
    given = os.environ.get("COLLAB_TEST_SEED")
    seed = int(given) if given else random.randrange(2**31) if os.environ.get("COLLAB_RANDOM_EXAMPLES") else 1
    print(f"COLLAB_TEST_SEED={seed}")
    return seed


def count_examples(most: int) -> int:
    """Return how many examples hypothesis makes: `most` with COLLAB_RANDOM_EXAMPLES, else a third of the same ones in
    every run.
    """
    return most if os.environ.get("COLLAB_RANDOM_EXAMPLES") else most // 3
