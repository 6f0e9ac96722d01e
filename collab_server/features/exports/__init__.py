"""Documents as files, whole workspaces as archives, and both back again."""
