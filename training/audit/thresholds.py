"""Where a check of the audit turns from pass to warn to fail, how many rows it looks at, and why. Holds numbers only.

Shares of a gain: a model's gain is what it has over chance (ROC-AUC − 0.5; PR-AUC − base rate). A shortcut's *reach* is its gain
as a share of the full model's, the larger of both metrics: 1 means that the shortcut alone does what the model does.
"""

# Time should say nothing of behaviour: half of the gain is worth a look, and what comes within a quarter of it leaves little
# to be learnt from the rest.
DATE_WARN, DATE_FAIL = 0.5, 0.75
# Which values are missing is a by-product of how rows were collected at least as often as of what wallets did.
MISSING_WARN, MISSING_FAIL = 0.6, 0.8
# Bad wallets may truly be smaller or larger than good ones, so size may come nearer before it counts.
SIZE_WARN, SIZE_FAIL = 0.8, 0.95
# One honest feature can be strong; it is suspicious where all others add nearly nothing, and a leak where it settles nearly all.
SINGLE_WARN, SINGLE_FAIL = 0.9, 0.98
SINGLE_NEEDS, SINGLE_SURE = 0.85, 0.95
"""ROC-AUC that a single feature needs, beside its reach, to warn and to fail: the only signal in a hard table is no leak."""
LEAST_GAIN = 0.05
"""The gain by which a reach is divided at least: a share of a gain that is nearly nothing would be noise."""
SURE = 3.0
"""Standard errors by which an AUC must differ from chance to count at all: 1 false alarm in 740 looks."""

# A group of rows settles the label if it is pure, and not because nearly all rows are of that class.
PURE = 0.99
PURE_ODDS = 20.0
PURE_ROWS = 30
# Rows so settled need no model; a twentieth of a class is worth a look, a quarter of it lifts any figure.
SETTLED_WARN, SETTLED_FAIL = 0.05, 0.25

TOO_GOOD = 0.99
"""ROC-AUC beyond which published results of this field were explained by how the data were collected, nearly always."""
NAMES_ROWS = 0.9
"""ROC-AUC at which the number of a row tells that rows lie sorted by label."""

# Shares of the test rows with an equal row, or a row within NEAR in each feature's rank, among those trained on.
EXACT_WARN, EXACT_FAIL = 0.01, 0.05
NEAR_WARN, NEAR_FAIL = 0.05, 0.2
NEAR = 0.01
"""Ranks run from 0 to 1: rows that differ by less than one part in a hundred of all rows in no feature are twins."""
TWINS_BY_CHANCE = 0.001
"""Share of the rows that may have a twin by chance: where few features are independent, rows must be nearer than NEAR."""
COARSE = 0.05
"""Share of different rows below which equal rows say nothing: the features have too few values to tell rows apart."""

# An address or group on both sides lets a model recognise it instead of its behaviour.
OVERLAP_FAIL = 0.01
OVERLAP_AGAIN = 0.05
"""Share of the test that may be wallets met before, where the split is in time: that they come again is what a job sees."""

SOURCE_KNOWN = 0.9
"""ROC-AUC at which features tell two sources of the same class apart: nothing but collection should differ there."""
SOURCE_TELLS = 0.7
"""ROC-AUC of the label from the source alone at which knowing the source pays."""
SOURCE_EQUALS = 0.9
"""The same, from where on source and label are nearly one: whatever a model learns may be the source."""
SOURCE_ROWS = 50
"""Rows of a class from one source, below which nothing is said of it."""
SOURCES = 3
"""How many of the largest sources of a class are each told from the others."""

LATE_FAIL = 0.01
"""Share of the rows trained on whose label nobody could know when training ended; fewer may be mistakes in dates."""
LATE_WARN = 0.1
UNDATED_WARN = 0.5

# Train told from test by features alone. In time drift is expected, so it warns later; a random split has no reason for any.
DRIFT_WARN = 0.8
DRIFT_RANDOM_WARN, DRIFT_RANDOM_FAIL = 0.6, 0.9

# Rank correlation of a feature with a date within a class. Above 0.9 a tree reads the date off it.
PROXY_WARN, PROXY_FAIL = 0.5, 0.9
CLOCK_WARN = 0.5
"""Share of the variance of a date's rank within a class that all features together explain in rows not fitted on: as much as one
feature with a correlation of 0.7 would."""

# Bounds on work, so that the audit costs seconds; beyond them rows are taken by hash of their content, and the report says so.
FIT_ROWS = 20_000
SMALL_ROWS = 6_000
SOURCE_SAMPLE = 2_000
TWIN_TEST, TWIN_TRAIN = 2_000, 10_000
LEAST_ROWS, LEAST_CLASS = 50, 10
"""Rows a side, and rows of each class a side, below which a check says nothing."""
NAMED = 5
"""How many columns a finding names at most."""
