"""The book knows of which moment its latest cut is, so that the door can tell how old what people read is."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.add_column("book", sa.Column("cut_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("book", "cut_at")
