"""Settings of food, read from the environment (`TIFFIN_…`)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FoodSettings(BaseSettings):
    """`preorder_hours`: how long after it was due a pre-order that nobody delivered still holds money."""

    model_config = SettingsConfigDict(env_prefix="TIFFIN_", extra="ignore")

    preorder_hours: int = Field(default=24, ge=1, le=24 * 366)
