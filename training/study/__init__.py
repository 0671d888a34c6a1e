"""What synthetic samples are worth beside real ones: `Study` measures it, the card and the report show it."""

from training.study.card import of_published, with_outcomes
from training.study.gains import in_words
from training.study.scenario import Scenario, ScenarioError
from training.study.study import Outcome, Plan, Shared, Study

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
