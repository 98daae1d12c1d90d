"""Postbacks: telling customers by HTTP of bounces, complaints and unsubscriptions. Owns the table `postbacks`."""
