"""Settings of all tests."""

import os

from hypothesis import settings

# The same examples in every run: a failure then belongs to the change that brought it. Others come by hand.
settings.register_profile("fixed", derandomize=True, database=None)
settings.register_profile("random")
settings.load_profile("random" if os.environ.get("COLLAB_RANDOM_EXAMPLES") else "fixed")
