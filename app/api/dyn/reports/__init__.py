"""Dyn Email Delivery: `/reports`, one module for each list with its counts.

Source: docs/contract/dyn-email.md, section 11.
"""
