"""Findings told: starting points, verdict, views."""
