"""Alembic's environment: runs one upgrade over the connection that `kbju_bot.storage.migrate` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
