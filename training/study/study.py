"""What synthetic samples are worth beside few real ones: paired repeats of every arm, tuned on validation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from augmint.v1 import generator_pb2 as pb
from service.runtime.session import Session
from training.config.config import Config
from training.data import Dataset
from training.data.splits import Splits
from training.judge import fitting
from training.study import arms, gains, measures, recommending, tuning
from training.study.arms import Trial
from training.study.carried import Carried
from training.study.generators import Generators, compared
from training.study.journal import Cell, Journal, Key
from training.study.learners import Fitted, Learner, Lesson, learners
from training.study.plan import Outcome, Plan, Shared
from training.study.scenario import Scenario, ScenarioError
from training.study.stream import Stream
from training.study.terms import DrawnAs, Judge, JudgedAs, as_of

# The samples that classifiers learn from: their own seed, far from those that cards and people look at.
STUDY_SEED = 2**42
_VALIDATION = 3000  # samples at most: choices need no more

# (what is done, in words; steps done, steps in all)
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class _Case:
    """What one line of the card is about. retrained: see Plan."""

    scenario: Scenario
    retrained: bool
    learner: Learner


class Study:
    """Trains what a plan needs and remembers every finished part in a folder."""

    def __init__(
        self,
        dataset: Dataset,
        splits: Splits,
        config: Config,
        shared: Shared,
        fabric: Fabric,
        folder: Path,
        plan: Plan,
        report: Report,
    ) -> None:
        """config: of generators trained anew. folder: made if missing; a study that finds its cells there goes on."""
        self._dataset, self._splits, self._config, self._fabric = dataset, splits, config, fabric
        self._shared, self._folder, self._plan, self._report = shared, folder, plan, report
        folder.mkdir(parents=True, exist_ok=True)
        self._check_folder()
        self._journal = Journal(folder)
        self._used: set[Key] = set()  # cells of this plan; the folder may hold others
        self._generators = Generators(
            shared.session,
            dataset,
            config,
            plan.generator_steps,
            plan.passes,
            fabric,
            folder / "generators",
            self._tell,
            shared.transforms,
        )
        self._learners = learners(dataset.kind, dataset.classes, plan.classifier_steps, fabric.device)
        self._learned: dict[Key, Fitted] = {}  # of trials, until they are tested
        self._stream: tuple[tuple[Any, ...], Stream] | None = None
        self._carried: tuple[tuple[Any, ...], Carried] | None = None
        self._filters: dict[tuple[str, int], Judge] = {}
        validation = np.random.default_rng(0).permutation(splits.validation)[:_VALIDATION]
        self._held = {"validation": np.sort(validation), "test": splits.test}

    def _check_folder(self) -> None:
        """Raise ScenarioError if the folder's cells were made with settings that change what a cell measures."""
        settings = {
            "data": self._dataset.digest,
            "config": self._config.model_dump(mode="json"),
            "published": self._shared.digest,
            "generator_steps": self._plan.generator_steps,
            "classifier_steps": self._plan.classifier_steps,
            # Absent in folders of kinds whose generators' passes are not counted
            **({} if self._plan.passes is None else {"passes": self._plan.passes}),
            **({"transforms": True} if self._shared.transforms else {}),
        }
        path = self._folder / "plan.json"
        if not path.exists():
            path.write_text(json.dumps(settings, indent=2) + "\n")
            return
        before = json.loads(path.read_text())
        changed = [
            f"{key} {before.get(key)}, now {value}" for key, value in settings.items() if before.get(key) != value
        ]
        if changed:
            raise ScenarioError(
                f"{self._folder} holds a study with other settings ({'; '.join(changed)}); choose another folder"
            )

    def run(self) -> list[Outcome]:
        """Every scenario of the plan in order, with each kind of generator, for each classifier."""
        return [
            self._outcome(_Case(scenario, retrained, learner))
            for scenario in self._plan.scenarios
            for retrained in self._plan.retrained
            for learner in self._learners
        ]

    # -- one scenario --------------------------------------------------------------------------------------

    def _outcome(self, case: _Case) -> Outcome:
        real = self._real(case.scenario, 0)
        # All that is chosen by measures of the validation split, before anything meets the test split.
        settings = {measure: self._tuned(case, measure) for measure in case.learner.measures}
        tests: dict[str, dict[str, list[float]]] = {
            measure: {arm: [] for arm in chosen} for measure, chosen in settings.items()
        }
        for replicate in range(self._plan.repeats):  # outermost: the arms of a repeat share its synthetic samples
            for measure, chosen in settings.items():
                for arm, trial in chosen.items():
                    cells = [
                        self._cell(case, replicate, arm, trial, seed, tested=True) for seed in range(self._plan.seeds)
                    ]
                    tests[measure][arm].append(float(np.mean([cell.tested_by(measure) for cell in cells])))
        first, *others = case.learner.measures
        baseline, synthetic = self._compared(case, first, settings[first])
        learned = len(real) if case.retrained else self._shared.samples
        line = gains.gain(case.scenario.name, tests[first], baseline, synthetic, len(real), learned, case.learner.name)
        for measure in others:
            gains.measured(line, measure, tests[measure], *self._compared(case, measure, settings[measure]))
        # A service selects by the scores in the file; without them, what it can do is recommended.
        chosen = settings[first]
        usable = synthetic if self._shared.scored or chosen[synthetic].of == 1 else arms.RAW
        everywhere = range(self._plan.repeats), self._plan.seeds
        held = [self._validation(case, arm, chosen[arm], first, *everywhere) for arm in (baseline, usable)]
        recommendation, classes = self._recommend(case, chosen[usable], held[1] > held[0])
        if self._shared.transforms:
            other = arms.RAW if usable == arms.TRANSFORMED else arms.TRANSFORMED
            recalls = [self._recalls(case, arm, chosen[arm]) for arm in (usable, other)]
            classes = recommending.better(classes, self._recommend(case, chosen[other], held[1] > held[0])[1], *recalls)
        self._learned.clear()
        words = {arm: str(trial) for arm, trial in chosen.items()}
        gained = {
            arm: gains.paired(tests[first][baseline], tests[first][arm]) for arm in arms.BESIDE if arm in tests[first]
        }
        return Outcome(line, recommendation, classes, words, gained)

    def _tuned(self, case: _Case, measure: str) -> dict[str, Trial]:
        """Each arm's trial, by a measure of the first repeats' validation scores."""

        def score(arm: str, trial: Trial) -> float:
            return self._validation(case, arm, trial, measure, range(self._plan.tuned_on), 1)

        return tuning.choose(
            case.learner,
            self._dataset.kind,
            self._dataset.counts(self._real(case.scenario, 0)),
            score,
            compared=compared(self._dataset.kind, self._config),
            published=not case.retrained,
            selection=self._plan.selection,
            transforms=self._shared.transforms,
        )

    def _compared(self, case: _Case, measure: str, chosen: dict[str, Trial]) -> tuple[str, str]:
        """The baseline, and the arm with synthetic samples, that do best on validation over all repeats."""
        everywhere = range(self._plan.repeats), self._plan.seeds

        def held(arm: str) -> float:
            return self._validation(case, arm, chosen[arm], measure, *everywhere)

        return max(tuning.baselines(chosen, case.learner), key=held), max(
            (arm for arm in arms.BESIDE if arm in chosen), key=held
        )

    def _recommend(self, case: _Case, trial: Trial, use: bool) -> tuple[pb.Recommendation, list[pb.Recommendation]]:
        """How to draw, overall and for each class; 0 samples where validation does not favour synthetic ones."""
        ratios = []
        for replicate in range(self._plan.repeats):
            counts = self._dataset.counts(self._real(case.scenario, replicate))
            drawn = counts / counts.sum() if trial.draw == "natural" else np.full(len(counts), 1 / len(counts))
            wanted = self._class_shares(case, replicate, trial)
            ratios.append(trial.share / (1 - trial.share) * wanted / drawn)
        return recommending.of(trial, np.mean(ratios, axis=0) * use, case.scenario.name)

    def _recalls(self, case: _Case, arm: str, trial: Trial) -> np.ndarray:
        """Of each class on the validation split, over all repeats: float64 [classes]."""
        repeats, seeds = range(self._plan.repeats), range(self._plan.seeds)
        return np.mean([self._cell(case, r, arm, trial, seed).recalls for r in repeats for seed in seeds], axis=0)

    # -- one cell ------------------------------------------------------------------------------------------

    def _validation(
        self, case: _Case, arm: str, trial: Trial, measure: str, replicates: Sequence[int], seeds: int
    ) -> float:
        cells = [self._cell(case, r, arm, trial, seed) for r in replicates for seed in range(seeds)]
        return float(np.mean([cell.chosen_by(measure) for cell in cells]))

    def _cell(self, case: _Case, replicate: int, arm: str, trial: Trial, seed: int, tested: bool = False) -> Cell:
        # Selected or not, it is one way of training; a trial that both arms try is one cell.
        arm = arms.RAW if arm == arms.CHOSEN else arm
        key = case.scenario.name, replicate, case.learner.name, arm, str(trial), seed
        cell = self._journal.get(key, lambda: self._measure(case, key, trial, tested), tested)
        self._used.add(key)
        return cell

    def _measure(self, case: _Case, key: Key, trial: Trial, tested: bool) -> Cell:
        began = time.monotonic()
        scenario, (_, replicate, classifier, arm, setting, seed) = case.scenario, key
        if trial.share:  # may take long, and tells so itself
            self._session(scenario, replicate, arm, trial.published)
            self._class_shares(case, replicate, trial)
        who = f"{classifier}, " if classifier else ""
        self._tell(f"{scenario.name}, repeat {replicate + 1}: {who}{arm} ({trial})")
        # What was tried and is tested now need not learn again; only a study that was stopped has forgotten it.
        learner = self._learned.pop(key, None) or self._learn(case, replicate, arm, trial, seed)
        if not tested:
            self._learned[key] = learner
        recalls, others = self._scored("validation", learner, case)
        test: float | None = None
        others_test: dict[str, float] = {}
        if tested:
            test_recalls, others_test = self._scored("test", learner, case)
            test = round(float(test_recalls.mean()), 6)
        return Cell(
            scenario.name,
            replicate,
            arm,
            setting,
            seed,
            round(float(recalls.mean()), 6),  # balanced accuracy
            test,
            tuple(round(float(recall), 4) for recall in recalls),
            round(time.monotonic() - began, 1),
            classifier,
            others,
            others_test,
        )

    def _scored(self, part: str, learner: Fitted, case: _Case) -> tuple[np.ndarray, dict[str, float]]:
        labels = self._dataset.labels[self._held[part]]
        probabilities = learner.predict_proba(self._dataset.samples[self._held[part]])
        return measures.recalls(labels, probabilities), measures.others(labels, probabilities, case.learner.measures)

    def _learn(self, case: _Case, replicate: int, arm: str, trial: Trial, seed: int) -> Fitted:
        real = self._real(case.scenario, replicate)
        samples, labels = self._dataset.samples[real], self._dataset.labels[real]
        made, made_labels = samples[:0], labels[:0]
        if wanted := case.learner.wanted(trial, self._dataset.counts(real)):
            made, made_labels = self._synthetic(case, replicate, arm, trial, wanted, seed)
        return case.learner.learn(trial, Lesson(samples, labels, made, made_labels, replicate, seed))

    def _real(self, scenario: Scenario, replicate: int) -> np.ndarray:
        return scenario.choose(self._dataset, self._splits, seed=replicate)

    # -- synthetic samples ---------------------------------------------------------------------------------

    def _synthetic(
        self, case: _Case, replicate: int, arm: str, trial: Trial, n: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """n samples with their classes, as a client would draw them: never the same one twice."""
        shares = self._class_shares(case, replicate, trial)
        labels = np.random.default_rng([seed, replicate, n]).choice(len(shares), n, p=shares)
        session = self._session(case.scenario, replicate, arm, trial.published)
        if trial.transformed:
            return self._others(case.scenario, replicate, session, seed).draw(labels), labels
        # One is kept, for the trials of a repeat come one after the other; a stream can be large.
        key = id(session), replicate, seed, trial.truncation
        if self._stream is None or self._stream[0] != key:
            self._stream = key, Stream(session, STUDY_SEED + replicate * 1000 + seed, trial.truncation)
        assert trial.keep == 1, "trials keep one of each block"
        judge = self._filter(case.scenario, replicate) if trial.of > 1 else None
        return self._stream[1].draw(labels, trial.of, judge), labels

    def _others(self, scenario: Scenario, replicate: int, session: Session | DrawnAs, seed: int) -> Carried:
        """The repeat's own real samples, carried into other classes."""
        key = scenario.name, id(session), replicate, seed
        if self._carried is None or self._carried[0] != key:
            real = self._real(scenario, replicate)
            samples, labels = self._dataset.samples[real], self._dataset.labels[real]
            self._carried = key, Carried(session, samples, labels, replicate * 1000 + seed)
        return self._carried[1]

    def _class_shares(self, case: _Case, replicate: int, trial: Trial) -> np.ndarray:
        """Probability of each class among the synthetic samples, float64 [classes]."""
        counts = self._dataset.counts(self._real(case.scenario, replicate))
        if trial.toward == "scarce":
            wanted = (counts.max() - counts).astype(np.float64)
        elif trial.toward == "natural":
            wanted = counts.astype(np.float64)
        elif trial.toward == "weak":
            # What a classifier of the same real samples errs in, on the validation split.
            plain = replace(trial, share=0.0, toward="even", keep=1, of=1, truncation=1.0, published=False)
            arm = arms.WEIGHTED if plain.weighted else case.learner.plain
            arm = arms.OVERSAMPLED if plain.draw == "even" and not plain.weighted else arm
            recalls = self._cell(case, replicate, arm, plain, 0).recalls
            wanted = 1.02 - np.asarray(recalls)  # a class without errors still gets a few
        else:
            wanted = np.ones(len(counts))
        return wanted / wanted.sum()

    def _filter(self, scenario: Scenario, replicate: int) -> Judge:
        """Of the real samples of the repeat only: what a published score is made of."""
        key = scenario.name, replicate
        if key not in self._filters:
            real, classes = self._real(scenario, replicate), self._dataset.classes
            samples, labels, whole = self._dataset.samples[real], self._dataset.labels[real], self._dataset.kind
            kind = whole.fitted(samples, labels, classes)
            learned = fitting.fit(
                kind,
                as_of(samples, whole, kind),
                labels,
                classes,
                seed=replicate,
                steps=self._plan.classifier_steps,
                device=self._fabric.device,
            )
            self._filters[key] = JudgedAs(learned, whole, kind)
        return self._filters[key]

    def _session(self, scenario: Scenario, replicate: int, arm: str, published: bool) -> Session | DrawnAs:
        if published:
            return self._generators.published
        return self._generators.trained(scenario.name, replicate, self._real(scenario, replicate), arm)

    # -- progress ------------------------------------------------------------------------------------------

    def _tell(self, doing: str) -> None:
        recipes = len(arms.standard(self._dataset.kind))
        expected = tuning.expected(self._plan, self._learners, recipes, self._shared.transforms)
        self._report(doing, min(len(self._used), expected), expected)
