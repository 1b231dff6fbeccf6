"""A local stand-in for Telegram's Bot API, for tests on a machine that must not, or cannot, reach Telegram."""
