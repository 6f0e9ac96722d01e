"""Workspaces: their members, invitations and activity."""
