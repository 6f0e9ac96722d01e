"""What alembic runs, on the connection that collab_server.backends.migrate hands it (`collab-server migrate`)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
