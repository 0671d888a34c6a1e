"""What synthetic samples are worth beside few real ones: paired repeats of every arm, tuned on validation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from augmint.v1 import generator_pb2 as pb
from service.runtime.session import Session
from training.config.config import Config
from training.data import Dataset
from training.data.splits import Splits
from training.judge import classifier, fitting
from training.study import arms, gains
from training.study.arms import Trial
from training.study.generators import Generators
from training.study.journal import Cell, Journal
from training.study.plan import Outcome, Plan, Shared
from training.study.scenario import Scenario, ScenarioError
from training.study.stream import Stream

# The samples that classifiers learn from: their own seed, far from those that cards and people look at.
STUDY_SEED = 2**42
_VALIDATION = 3000  # samples at most: choices need no more

# (what is done, in words; steps done, steps in all)
Report = Callable[[str, int, int], None]


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
        self._used: set[tuple[str, int, str, str, int]] = set()  # cells of this plan; the folder may hold others
        self._generators = Generators(
            shared.session, dataset, config, plan.generator_steps, fabric, folder / "generators", self._tell
        )
        self._stream: tuple[tuple[Any, ...], Stream] | None = None
        self._filters: dict[tuple[str, int], classifier.Classifier] = {}
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
        """Every scenario of the plan in order, with each kind of generator."""
        return [
            self._scenario(scenario, retrained)
            for scenario in self._plan.scenarios
            for retrained in self._plan.retrained
        ]

    # -- one scenario --------------------------------------------------------------------------------------

    def _scenario(self, scenario: Scenario, retrained: bool) -> Outcome:
        plan, name = self._plan, scenario.name
        real = self._real(scenario, 0)
        counts = self._dataset.counts(real)
        even = counts.min() == counts.max()
        chosen: dict[str, Trial] = {arms.REAL: arms.unvaried(self._dataset.kind)}

        def best(arm: str, trials: Sequence[Trial]) -> Trial:
            return max(trials, key=lambda trial: self._validation(scenario, arm, trial, range(plan.tuned_on), 1))

        def best_of(names: Sequence[str]) -> str:
            return max(names, key=lambda arm: self._validation(scenario, arm, chosen[arm], range(plan.tuned_on), 1))

        chosen[arms.STANDARD] = best(arms.STANDARD, arms.standard(self._dataset.kind))
        if not even:
            chosen[arms.WEIGHTED] = replace(chosen[arms.STANDARD], weighted=True)
            chosen[arms.OVERSAMPLED] = replace(chosen[arms.STANDARD], draw="even")
        plain = chosen[best_of([arm for arm in chosen if arm in arms.BASELINES])]
        chosen[arms.MIXED] = best(arms.MIXED, arms.mixed(plain))
        if self._config.objective != "evidence":
            chosen[arms.VAE] = best(arms.VAE, arms.raw(plain))
        chosen[arms.RAW] = best(arms.RAW, arms.raw(plain, published=not retrained))
        chosen[arms.CHOSEN] = self._select(scenario, chosen[arms.RAW], even)
        chosen[arms.ONLY] = replace(chosen[arms.STANDARD], share=1.0, published=not retrained)

        scores: dict[str, list[float]] = {arm: [] for arm in chosen}
        for replicate in range(plan.repeats):  # outermost: the arms of a repeat share its synthetic samples
            for arm, trial in chosen.items():
                cells = [self._cell(scenario, replicate, arm, trial, seed) for seed in range(plan.seeds)]
                scores[arm].append(float(np.mean([cell.test for cell in cells])))
        held = {
            arm: self._validation(scenario, arm, trial, range(plan.repeats), plan.seeds)
            for arm, trial in chosen.items()
        }
        baseline = max((arm for arm in chosen if arm in arms.BASELINES), key=lambda arm: held[arm])
        synthetic = max((arms.RAW, arms.CHOSEN), key=lambda arm: held[arm])
        learned = len(real) if retrained else self._shared.samples
        line = gains.gain(name, scores, baseline, synthetic, len(real), learned)
        # A service selects by the scores in the file; without them, what it can do is recommended.
        usable = synthetic if self._shared.scored or chosen[synthetic].of == 1 else arms.RAW
        use = held[usable] > held[baseline]
        recommendation, classes = self._recommend(scenario, chosen[usable], use)
        return Outcome(line, recommendation, classes, {arm: str(trial) for arm, trial in chosen.items()})

    def _select(self, scenario: Scenario, raw: Trial, even: bool) -> Trial:
        """The best trial that also chooses classes, candidates and truncation: one after the other."""
        best = raw
        groups = [arms.directed(raw, even)] + ([arms.selected] if self._plan.selection else []) + [arms.truncated]
        for group in groups:
            trials = group if isinstance(group, list) else group(best)
            best = max(
                [best, *trials],
                key=lambda trial: self._validation(scenario, arms.CHOSEN, trial, range(self._plan.tuned_on), 1),
            )
        return best

    def _recommend(
        self, scenario: Scenario, trial: Trial, use: bool
    ) -> tuple[pb.Recommendation, list[pb.Recommendation]]:
        """How to draw, overall and for each class; 0 samples where validation does not favour synthetic ones."""
        ratios = []
        for replicate in range(self._plan.repeats):
            counts = self._dataset.counts(self._real(scenario, replicate))
            drawn = counts / counts.sum() if trial.draw == "natural" else np.full(len(counts), 1 / len(counts))
            wanted = self._class_shares(scenario, replicate, trial)
            ratios.append(trial.share / (1 - trial.share) * wanted / drawn)
        ratio = np.mean(ratios, axis=0) * use

        def one(value: float) -> pb.Recommendation:
            keep, of = (trial.keep, trial.of) if trial.of > 1 else (0, 0)
            return pb.Recommendation(
                truncation=trial.truncation,
                keep=keep,
                of=of,
                synthetic_per_real=round(value, 3),
                scenario=scenario.name,
            )

        return one(float(ratio.mean())), [one(float(value)) for value in ratio]

    # -- one cell ------------------------------------------------------------------------------------------

    def _validation(self, scenario: Scenario, arm: str, trial: Trial, replicates: Sequence[int], seeds: int) -> float:
        cells = [self._cell(scenario, r, arm, trial, seed) for r in replicates for seed in range(seeds)]
        return float(np.mean([cell.validation for cell in cells]))

    def _cell(self, scenario: Scenario, replicate: int, arm: str, trial: Trial, seed: int) -> Cell:
        # Selected or not, it is one way of training; a trial that both arms try is one cell.
        arm = arms.RAW if arm == arms.CHOSEN else arm
        key = scenario.name, replicate, arm, str(trial), seed
        cell = self._journal.get(key, lambda: self._measure(scenario, replicate, arm, trial, seed))
        self._used.add(key)
        return cell

    def _measure(self, scenario: Scenario, replicate: int, arm: str, trial: Trial, seed: int) -> Cell:
        began = time.monotonic()
        if trial.share:  # may take long, and tells so itself
            self._session(scenario, replicate, arm == arms.VAE, trial.published)
            self._class_shares(scenario, replicate, trial)
        self._tell(f"{scenario.name}, repeat {replicate + 1}: {arm} ({trial})")
        learner = self._learn(scenario, replicate, arm, trial, seed)
        from sklearn.metrics import recall_score  # half a second to import, and every report imports this module

        scores, recalls = {}, {}
        for part, positions in self._held.items():
            predicted = learner.predict(self._dataset.samples[positions])
            recalls[part] = recall_score(
                self._dataset.labels[positions],
                predicted,
                labels=np.arange(self._dataset.classes),
                average=None,
                zero_division=0.0,
            )
            scores[part] = float(recalls[part].mean())  # balanced accuracy
        return Cell(
            scenario.name,
            replicate,
            arm,
            str(trial),
            seed,
            round(scores["validation"], 6),
            round(scores["test"], 6),
            tuple(round(float(recall), 4) for recall in recalls["validation"]),
            round(time.monotonic() - began, 1),
        )

    def _learn(self, scenario: Scenario, replicate: int, arm: str, trial: Trial, seed: int) -> classifier.Classifier:
        real = self._real(scenario, replicate)
        labels = self._dataset.labels[real]
        steps = self._steps(scenario)
        random = np.random.default_rng([seed, replicate])
        of_batch = round(trial.share * fitting.BATCH)
        samples, targets = self._dataset.samples[real], labels
        if of_batch:
            made, made_labels = self._synthetic(scenario, replicate, arm == arms.VAE, trial, of_batch * steps, seed)
            samples, targets = np.concatenate([samples, made]), np.concatenate([labels, made_labels])
        own = (fitting.BATCH - of_batch) * steps
        if trial.draw == "even":
            drawn = fitting.balanced_order(labels, self._dataset.classes, own, seed)
        else:
            passes = max(1, -(-own // len(real)))
            drawn = np.concatenate([random.permutation(len(real)) for _ in range(passes)])[:own]
        fresh = len(real) + np.arange(of_batch * steps)
        order = np.concatenate([drawn.reshape(steps, own // steps), fresh.reshape(steps, of_batch)], axis=1).reshape(-1)
        weights = None
        if trial.weighted:
            counts = np.bincount(labels, minlength=self._dataset.classes)
            weights = len(labels) / (self._dataset.classes * counts)
        return fitting.fit(
            self._dataset.kind,
            samples,
            targets,
            self._dataset.classes,
            seed=seed,
            steps=steps,
            device=self._fabric.device,
            recipe=trial.recipe,
            mixup=trial.mixup,
            order=order,
            weights=weights,
        )

    def _steps(self, scenario: Scenario) -> int:
        return self._plan.classifier_steps or fitting.default_steps(len(self._real(scenario, 0)))

    def _real(self, scenario: Scenario, replicate: int) -> np.ndarray:
        return scenario.choose(self._dataset, self._splits, seed=replicate)

    # -- synthetic samples ---------------------------------------------------------------------------------

    def _synthetic(
        self, scenario: Scenario, replicate: int, vae: bool, trial: Trial, n: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """n samples with their classes, as a client would draw them: never the same one twice."""
        shares = self._class_shares(scenario, replicate, trial)
        labels = np.random.default_rng([seed, replicate, n]).choice(len(shares), n, p=shares)
        session = self._session(scenario, replicate, vae, trial.published)
        # One is kept, for the trials of a repeat come one after the other; a stream can be large.
        key = id(session), replicate, seed, trial.truncation
        if self._stream is None or self._stream[0] != key:
            self._stream = key, Stream(session, STUDY_SEED + replicate * 1000 + seed, trial.truncation)
        assert trial.keep == 1, "trials keep one of each block"
        judge = self._filter(scenario, replicate) if trial.of > 1 else None
        return self._stream[1].draw(labels, trial.of, judge), labels

    def _class_shares(self, scenario: Scenario, replicate: int, trial: Trial) -> np.ndarray:
        """Probability of each class among the synthetic samples, float64 [classes]."""
        counts = self._dataset.counts(self._real(scenario, replicate))
        if trial.toward == "scarce":
            wanted = (counts.max() - counts).astype(np.float64)
        elif trial.toward == "weak":
            # What a classifier of the same real samples errs in, on the validation split.
            plain = replace(trial, share=0.0, toward="even", keep=1, of=1, truncation=1.0, published=False)
            recalls = self._cell(scenario, replicate, self._arm_of(plain), plain, 0).recalls
            wanted = 1.02 - np.asarray(recalls)  # a class without errors still gets a few
        else:
            wanted = np.ones(len(counts))
        return wanted / wanted.sum()

    @staticmethod
    def _arm_of(plain: Trial) -> str:
        return arms.WEIGHTED if plain.weighted else arms.OVERSAMPLED if plain.draw == "even" else arms.STANDARD

    def _filter(self, scenario: Scenario, replicate: int) -> classifier.Classifier:
        """Of the real samples of the repeat only: what a published score is made of."""
        key = scenario.name, replicate
        if key not in self._filters:
            real = self._real(scenario, replicate)
            self._filters[key] = fitting.fit(
                self._dataset.kind,
                self._dataset.samples[real],
                self._dataset.labels[real],
                self._dataset.classes,
                seed=replicate,
                steps=self._steps(scenario),
                device=self._fabric.device,
            )
        return self._filters[key]

    def _session(self, scenario: Scenario, replicate: int, vae: bool, published: bool) -> Session:
        if published:
            return self._generators.published
        return self._generators.trained(scenario.name, replicate, self._real(scenario, replicate), vae)

    # -- progress ------------------------------------------------------------------------------------------

    def _tell(self, doing: str) -> None:
        self._report(doing, min(len(self._used), self.expected), self.expected)

    @property
    def expected(self) -> int:
        """Cells of the whole plan, about: which trials are chosen decides how many are shared."""
        plan = self._plan
        baselines = 1 + len(arms.standard(self._dataset.kind)) + 2 + 2 + len(arms.SHARES)
        further = 2 + len(arms.SELECTIONS) * plan.selection + len(arms.TRUNCATIONS) + 1
        repeated = plan.repeats * plan.seeds - plan.tuned_on
        cells = baselines * plan.tuned_on + 6 * repeated
        for retrained in plan.retrained:
            trials = len(arms.SHARES if retrained else arms.SHARES_OF_PUBLISHED) + further
            cells += trials * plan.tuned_on + 3 * repeated
        return len(plan.scenarios) * cells
