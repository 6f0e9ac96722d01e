"""User records: their fields, settings, passwords and feature flags."""
