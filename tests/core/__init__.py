from hypothesis import settings

# A busy machine is no failure; a failing example must be repeatable from the report alone.
settings.register_profile("crdt", deadline=None, print_blob=True)
settings.load_profile("crdt")
