"""Run by Alembic: on the connection that `colorizer.study.database.migrate` hands over."""

from alembic import context

from colorizer.study.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
