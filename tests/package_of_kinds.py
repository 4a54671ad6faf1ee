"""The files of a package that adds tasks, a metric, a signal and a module of its own, by name."""

FILES = {
    "kinds/motion.py": '''
"""A picture and the motion that leads to it from a second one, as two fields."""
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from siren_pl import Problem, Term, plots
from siren_pl.training.judge import Findings, Judge, Measure

@dataclass(frozen=True)
class Warped(Term):
    coords: Tensor = field(compare=False)
    first: Tensor = field(compare=False)
    second: Tensor = field(compare=False)
    rows = ("coords", "first", "second")
    pointwise = True

    def points(self):
        return {"coords": self.coords, "first": self.first, "second": self.second}

    def evaluate(self, ask, points):
        coords = points["coords"]
        moved = coords + ask(coords, field="motion").value
        return {"still": (ask(coords).value - points["first"]).square().mean(),
                "moved": (ask(moved).value - points["second"]).square().mean()}

class MotionJudge(Judge):
    def __init__(self, truth, pixel):
        self.truth, self.pixel = truth, pixel

    def quick(self, motion):
        return {"endpoint": float((motion - self.truth).norm(dim=1).mean()) / self.pixel}

    def judge(self, motion):
        def draw(path, rivals):
            figure, axes = plots.subplots(1, 1)
            axes[0, 0].hist(motion.norm(dim=1).numpy())
            axes[0, 0].set_title(", ".join(rivals))
            return plots.save(figure, path)

        measures = {"endpoint": Measure("end-point error", "pixels", "mean distance to where a pixel went", -1)}
        files = {"motion.npy": lambda path: np.save(path, motion.numpy())}
        return Findings(self.quick(motion), measures, files, {"lengths.png": draw})

def motion(signal, shift):
    coords, domain = signal.coords(), signal.domain
    truth = torch.zeros_like(coords)
    truth[:, 1] = shift * domain.spacing[1]
    second = signal.values.roll(-shift, 1).reshape(-1, 1)
    terms = {"frames": Warped(coords, signal.values.reshape(-1, 1), second)}
    fields = {"field": domain, "motion": replace(domain, out_features=2)}
    judge = MotionJudge(truth, domain.spacing[1])

    def answer(ask):
        return ask(ask.placed(coords), field="motion").value.detach().float().cpu()

    baselines = {"no_motion": lambda: torch.zeros_like(truth), "nothing": lambda: None}
    return Problem("motion", signal.name, fields, terms, answer, judge, baselines)
''',
    "kinds_conf/task/motion.yaml": """# @package _global_
defaults:
  - /model@fields.motion.model: siren
fields: {motion: {model: {hidden_features: 8, hidden_layers: 1, omega_0: 5.0}}}
task:
  shift: 1 # pixels
  problem: {_target_: kinds.motion.motion, shift: "${..shift}"}
  rules: {shift: {whole: true, from: 0}}
""",
    "kinds/edges.py": '''
"""How right an image's edges are, measured beside everything else."""
from dataclasses import replace

from torch import Tensor

from siren_pl import image_fit
from siren_pl.problems.sampled.judge import SampledJudge
from siren_pl.training.judge import Measure

class EdgeJudge(SampledJudge):
    def judge(self, answer):
        found, signal = super().judge(answer), self.signal
        values = answer if isinstance(answer, Tensor) else answer(signal.coords()).reshape(signal.stored.shape)
        error = float((values - signal.values).diff(dim=0).abs().mean())
        measures = {"edge_error": Measure("error of the edges", "of 1", "between neighbours", -1)} | found.measures
        return replace(found, metrics=found.metrics | {"edge_error": error}, measures=measures)

def edges(signal, gradient_weight):
    problem = image_fit(signal, gradient_weight)
    return replace(problem, name="edges", judge=EdgeJudge(**vars(problem.judge)))
''',
    "kinds_conf/task/edges.yaml": """# @package _global_
task:
  weight: 0.1
  problem: {_target_: kinds.edges.edges, gradient_weight: "${..weight}"}
  rules: {weight: {from: 0}}
baselines:
  grey: {_target_: kinds.rivals.grey}
""",
    "kinds/rivals.py": "def grey(signal):\n    return signal.values * 0\n",
    "kinds/tone.py": """
import torch
from siren_pl import SampledSignal

def tone(count):
    return SampledSignal(torch.sin(torch.arange(count) / 5.0)[:, None] / 2, "tone")
""",
    "kinds_conf/dataset/tone.yaml": """
count: 64
signal: {_target_: kinds.tone.tone, count: "${..count}"}
rules: {count: {whole: true, from: 2}}
""",
    "kinds/absolute.py": '''
"""The absolute error of the samples, by a LightningModule of one's own."""
from dataclasses import replace

import lightning.pytorch as pl
import torch

from siren_pl.problems.sampled.judge import SampledJudge, sampled_problem
from siren_pl.problems.sampled.scores import value_scores

class Absolute(pl.LightningModule):
    def __init__(self, fields, problem):
        super().__init__()
        self.field, self.signal = fields.network, problem.given

    def training_step(self, batch, step):
        coords, values = self.signal.coords(), self.signal.values.flatten(0, -2)
        rows = torch.randint(len(coords), (64,), generator=torch.Generator().manual_seed(step))
        return (self.field(coords[rows]) - values[rows]).abs().mean()

def absolute(signal, power):
    return replace(sampled_problem("absolute", {}, SampledJudge(signal, value_scores)), module=Absolute)
''',
    "kinds_conf/task/absolute.yaml": """# @package _global_
task:
  power: 1
  problem: {_target_: kinds.absolute.absolute, power: "${..power}"}
  rules: {power: {one_of: [1]}}
""",
}
