"""Pages and links for the people who get mail: tracking, unsubscribing, web view, profile, confirmation."""
