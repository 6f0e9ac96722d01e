"""The change feed: changes in the workspaces of a person, in a stable order."""
