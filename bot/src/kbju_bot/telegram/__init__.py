"""Telegram: receiving updates by polling or webhook, and sending."""
