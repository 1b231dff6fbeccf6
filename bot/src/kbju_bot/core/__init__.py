"""The pure core: what the bot answers. Nothing here does input or output, reads a clock or a setting."""
