from .address_lists.reader import read_addresses as read_addresses
from .model.model_folder import ModelFolder as ModelFolder
from .scoring.output import write_scores as write_scores
from .scoring.scorer import Scorer as Scorer
