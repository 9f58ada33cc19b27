"""A model, transfers and addresses in; scored, explained rows out. Knows no training; loads MLflow only if asked."""

from .model.model_folder import ModelFolder
from .scoring.address_lists import read_addresses
from .scoring.output import write_scores
from .scoring.scorer import Scorer

__all__ = ["ModelFolder", "Scorer", "read_addresses", "write_scores"]
