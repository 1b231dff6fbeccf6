"""The KBJU bot: calories, protein, fat and carbohydrates in Telegram."""

__version__ = "0.1.0"
