"""Bots as others write them: an update in, one message out, and nothing remembered unless the name says so."""
