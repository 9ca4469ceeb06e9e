"""Typed tables of one capture."""
