"""HTTP calls to URLs that customers gave: every one goes through here."""
