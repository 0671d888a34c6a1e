"""Connections, attempts, what a status means."""
