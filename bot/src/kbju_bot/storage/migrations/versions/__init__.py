"""The revisions: forward only, plain SQL, numbered 0001, 0002…

Each must leave the previous version of the bot working: add, fill, and only in a later release remove.
"""
