"""Tests of app.mail.tracked."""
