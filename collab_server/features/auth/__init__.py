"""Signing in: sessions, API tokens, sign-in links and throttling."""
