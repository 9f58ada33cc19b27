"""What people read of a training: the model card and the pictures.

Not for computing or judging figures (`assessment`), nor for writing to MLflow (`registry`).
Front door: `model_card` (model_card.py), `draw_all` (plots.py), `draw_batch_drift` (drift_plot.py).
"""
