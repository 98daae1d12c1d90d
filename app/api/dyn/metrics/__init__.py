"""Dyn Metrics: root URLs that count and list what was sent. Source: docs/contract/dyn-metrics.md.

Belongs to the family Dyn Email and shares its parameters, credentials and markup; envelope and errors are its own.
"""
