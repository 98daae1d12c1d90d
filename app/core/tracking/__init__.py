"""What recipients do with a mail: opens, clicks, complaints, unsubscriptions."""
