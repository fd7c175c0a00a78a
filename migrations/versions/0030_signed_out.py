"""Who logged out of the dashboard, and when: a cookie that somebody kept ends with the login that it was made for."""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("CREATE TABLE desk.signed_out (login text PRIMARY KEY, at timestamptz NOT NULL)")


def downgrade() -> None:
    op.execute("DROP TABLE desk.signed_out")
