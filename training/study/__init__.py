"""What synthetic samples are worth beside real ones: `Study` measures it, the card and the report show it."""

from training.quality.findings.gains import in_words
from training.study.card import of_published, with_outcomes
from training.study.plan import Outcome, Plan, Shared
from training.study.scenario import Scenario, ScenarioError
from training.study.study import Study

__all__ = [
    "Outcome",
    "Plan",
    "Scenario",
    "ScenarioError",
    "Shared",
    "Study",
    "in_words",
    "of_published",
    "with_outcomes",
]
