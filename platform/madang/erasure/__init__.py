"""Erasure: a post leaves every store, and a receipt says so."""
