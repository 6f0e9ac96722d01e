"""The change feed: what changed in the workspaces of a person, in an order in which nothing appears later."""
