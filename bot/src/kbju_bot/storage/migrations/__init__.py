"""Alembic's environment and the revisions, packaged so that the image can migrate."""
