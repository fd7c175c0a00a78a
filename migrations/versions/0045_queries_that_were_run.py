"""Beside what people keep under a name, the queries that they ran."""

from alembic import op

revision = "0045"
down_revision = "0044"
CHECK = "ALTER TABLE desk.saved_query DROP CONSTRAINT saved_query_page_check, ADD CONSTRAINT saved_query_page_check "


def upgrade() -> None:
    op.execute(f"{CHECK} CHECK (page IN ('explore', 'sql', 'sql history'))")


def downgrade() -> None:
    op.execute("DELETE FROM desk.saved_query WHERE page = 'sql history'")
    op.execute(f"{CHECK} CHECK (page IN ('explore', 'sql'))")
