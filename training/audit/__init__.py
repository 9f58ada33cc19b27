"""walletprint.training.audit: whether a label can be had without behaviour, of a training or of any table."""

from .report import AuditReport, Check
from .run import audit, audit_training

__all__ = ["AuditReport", "Check", "audit", "audit_training"]
