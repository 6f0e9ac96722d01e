"""Accounts: changing one's own, and the administration of others."""
