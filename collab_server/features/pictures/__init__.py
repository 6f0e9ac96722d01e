"""Pictures of people and icons of workspaces."""
