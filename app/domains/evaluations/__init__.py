"""Evaluations: what each customer's business comes to as of a day, and what people answer in surveys."""

from app.domains.evaluations import evaluating, evaluation, questionnaire, survey

__all__ = ["evaluating", "evaluation", "questionnaire", "survey"]
