"""The features of the catalogue that a config lets the model see. Computes none."""

from ...features.families.declaration import Feature
from ...features.families.registry import catalogue
from .dust_proof import proof_of
from .sections import FeaturesConfig


def feature_names(config: FeaturesConfig) -> list[str]:
    """The names of the features that the model sees, in the catalogue's order.

    Without `names` and `families`: all features that need no labels.
    """
    return [
        feature.name
        for feature in catalogue()
        if _chosen(feature, config)
        and (feature.era_safe or not config.era_safe_only)
        and (proof_of(feature.name) or not config.dust_proof)
    ]


def _chosen(feature: Feature, config: FeaturesConfig) -> bool:
    if config.names:
        return feature.name in config.names
    return feature.family in config.families if config.families else not feature.needs_labels
