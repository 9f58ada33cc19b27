"""The leakage audit: whether a label can be predicted without behaviour, in a training or in any table of features.

Not for choosing or fitting models (`models`), nor for drift of a model in use (`serving.drift`).
Front door: `audit` for any table, `audit_training` for a training (leakage_audit.py); both return an `AuditReport`.
"""

from .audit_report import AuditReport, Check
from .leakage_audit import audit, audit_training

__all__ = ["AuditReport", "Check", "audit", "audit_training"]
