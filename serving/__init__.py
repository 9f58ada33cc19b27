"""A model, transfers and addresses in; scored, explained rows out. Knows no training; loads MLflow only if asked."""

from .addresses import read_addresses
from .model_folder import ModelFolder
from .output import write_scores
from .scorer import Scorer

__all__ = ["ModelFolder", "Scorer", "read_addresses", "write_scores"]
