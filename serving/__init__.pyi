from .model.model_folder import ModelFolder as ModelFolder
from .scoring.address_lists import read_addresses as read_addresses
from .scoring.output import write_scores as write_scores
from .scoring.scorer import Scorer as Scorer
