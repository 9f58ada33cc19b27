"""Which features of the catalogue a config lets the model see. Computes none."""

from ...features.families.registry import FAMILIES, catalogue
from .dust_proof import proof_of
from .sections import FeaturesConfig


def feature_names(config: FeaturesConfig) -> list[str]:
    """The names of the features that a config lets the model see, in the catalogue's order; exposure only where it is named."""
    families = set(config.families or FAMILIES[:-1])
    return [
        feature.name
        for feature in catalogue()
        if (feature.name in config.names if config.names else feature.family in families)
        and (feature.era_safe or not config.era_safe_only)
        and (proof_of(feature.name) or not config.dust_proof)
    ]
