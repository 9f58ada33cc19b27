"""walletprint.training.audit: whether a label can be had without behaviour, of a training or of any table."""

from .audit_report import AuditReport, Check
from .leakage_audit import audit, audit_training

__all__ = ["AuditReport", "Check", "audit", "audit_training"]
