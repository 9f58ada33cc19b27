"""Where each check of the audit warns and fails, how many rows it uses, and why. Holds numbers only.

A model's gain is its lead over chance (ROC-AUC − 0.5; PR-AUC − base rate). A shortcut's *reach* is its gain as a share of the
full model's, by the metric where this share is larger: 1 means that the shortcut alone does what the model does.
"""

# Time says nothing about behaviour. Half of the gain is worth a look; three quarters leave little to be learnt from the rest.
DATE_WARN, DATE_FAIL = 0.5, 0.75
# Which values are missing depends on how rows were collected at least as often as on what wallets did.
MISSING_WARN, MISSING_FAIL = 0.6, 0.8
# Illicit wallets may truly be smaller or larger than licit ones, so size may come closer before it counts.
SIZE_WARN, SIZE_FAIL = 0.8, 0.95
# One sound feature can be strong. It is suspicious if all others add nearly nothing, and a leak if it settles nearly everything.
SINGLE_WARN, SINGLE_FAIL = 0.9, 0.98
SINGLE_NEEDS, SINGLE_SURE = 0.85, 0.95
"""ROC-AUC that a single feature needs, besides its reach, to warn and to fail: the only signal in a hard table is no leak."""
MIN_GAIN = 0.05
"""The smallest gain that a reach is divided by: a share of nearly nothing would be noise."""
SURE = 3.0
"""Standard errors by which an AUC must differ from chance to count at all: 1 false alarm in 740 looks."""

# A group of rows settles the label if it is pure, but not if nearly all rows are of that class anyway.
PURE = 0.99
PURE_ODDS = 20.0
PURE_ROWS = 30
# Settled rows need no model. A twentieth of a class is worth a look; a quarter of it lifts any figure.
SETTLED_WARN, SETTLED_FAIL = 0.05, 0.25

TOO_GOOD = 0.99
"""ROC-AUC beyond which the way the data were collected explained nearly all published results of this field."""
NAMES_ROWS = 0.9
"""ROC-AUC at which a row's number shows that the rows are sorted by label."""

# Shares of the test rows that have an equal row among the training rows, or one within NEAR in the rank of each feature.
EXACT_WARN, EXACT_FAIL = 0.01, 0.05
NEAR_WARN, NEAR_FAIL = 0.05, 0.2
NEAR = 0.01
"""Ranks run from 0 to 1: two rows are twins if no feature differs by more than a hundredth of all rows."""
TWINS_BY_CHANCE = 0.001
"""Share of the rows that may have a twin by chance. If few features are independent, twins must be nearer than NEAR."""
COARSE = 0.05
"""Share of distinct rows below which equal rows say nothing: the features have too few values to tell rows apart."""

# If an address or group is on both sides, a model can recognise it instead of its behaviour.
OVERLAP_FAIL = 0.01
OVERLAP_AGAIN = 0.05
"""Share of the test rows whose wallets may be known from training, in a split in time: a scoring job meets wallets again too."""

SOURCE_KNOWN = 0.9
"""ROC-AUC at which features tell two sources of the same class apart: only the collection differs between them."""
SOURCE_TELLS = 0.7
"""ROC-AUC of the label from the source alone at which it pays to know the source."""
SOURCE_EQUALS = 0.9
"""The same, from which on source and label are nearly one: all that a model learns may be the source."""
SOURCE_ROWS = 50
"""Rows of a class that a source needs to be compared."""
SOURCES = 3
"""How many of the largest sources of a class are each compared with the others."""

LATE_FAIL = 0.01
"""Share of the training rows whose label nobody could know when training ended; fewer may be mistakes in dates."""
LATE_WARN = 0.1
UNDATED_WARN = 0.5

# How well features alone tell training from test rows. A split in time drifts, so it warns later; a random split should not.
DRIFT_WARN = 0.8
DRIFT_RANDOM_WARN, DRIFT_RANDOM_FAIL = 0.6, 0.9

# Rank correlation of a feature with a date within a class. Above 0.9 a tree can read the date off it.
PROXY_WARN, PROXY_FAIL = 0.5, 0.9
CLOCK_WARN = 0.5
"""Share of the variance of a date's rank within a class that all features together explain in rows not fitted on. One feature
with a correlation of 0.7 explains as much."""

# Limits that keep the audit within seconds. Beyond them rows are sampled by a hash of their content, and the report says so.
FIT_ROWS = 20_000
SMALL_ROWS = 6_000
SOURCE_SAMPLE = 2_000
TWIN_TEST, TWIN_TRAIN = 2_000, 10_000
MIN_ROWS, MIN_CLASS_ROWS = 50, 10
"""Rows per side, and rows of each class per side, below which a check does not run."""
NAMED = 5
"""How many columns a finding names at most."""
