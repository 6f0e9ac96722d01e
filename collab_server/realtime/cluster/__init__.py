"""Replication between the nodes of a cluster."""
