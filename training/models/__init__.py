"""Models of a head: the boosters, their calibration and tuning, and the baselines and shortcuts they are compared with.

Not for judging or reporting. Front door: `fit_contenders` (contenders.py) fits everything, `learn` (learner.py) fits the model
alone, `tune` (tuning.py) searches its parameters.
"""
