"""The registry that trainings' tests have."""

from tests.training.conftest import migrated, store

__all__ = ["migrated", "store"]
