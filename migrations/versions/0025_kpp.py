"""A client's КПП, which Russian papers name beside the tax number."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("party", sa.Column("kpp", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("party", "kpp")
