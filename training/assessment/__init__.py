"""From data to fitted models, and every figure about them: metrics, intervals, cases, drift and the leakage audit.

Not for single metrics (`metrics`) or single checks (`audit`), nor for text and pictures (`report`).
Front door: `fit_all` (fitted_models.py), `assess` (model_assessment.py).
"""
