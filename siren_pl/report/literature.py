"""The introduction of the document, and descriptions of models and schemes, by name, with their papers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from siren_pl.report.blocks import Block, Equation, Heading, Paragraph
from siren_pl.report.charts import formula

_KNOWN = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
REFERENCES: dict[str, str] = _KNOWN["references"]
# What is said of a model or an initialisation, and its paper.
METHODS: dict[str, tuple[str, str]] = {name: (each["says"], each["paper"]) for name, each in _KNOWN["methods"].items()}
SIREN = (
    r"$\Phi(\mathbf{x})=\mathbf{W}_n\,(\phi_{n-1}\circ\cdots\circ\phi_0)(\mathbf{x})+\mathbf{b}_n,\qquad"
    r"\phi_i(\mathbf{x}_i)=\sin\left(\omega_0\,(\mathbf{W}_i\mathbf{x}_i+\mathbf{b}_i)\right)$"
)
LOSS = (
    r"$\mathcal{L}=\frac{1}{N}\sum_i\;\Vert\,\mathcal{D}\Phi(\mathbf{x}_i)-\mathbf{d}_i\,\Vert^2,\qquad"
    r"\mathcal{D}\in\left\{\mathrm{identity},\ \nabla,\ \Delta\right\}$"
)


def introduction() -> list[Block]:
    """Explain what is fitted, and how derivatives are supervised."""
    return [
        Heading("Introduction"),
        Paragraph(
            "A coordinate network stores a signal in its weights: an image becomes a function Φ from a position to "
            "the value there, which can be evaluated between the pixels and differentiated. SIREN composes affine "
            "maps and sines,"
        ),
        Equation(formula(SIREN), "Φ(x) = W_n (φ_{n-1} ∘ … ∘ φ_0)(x) + b_n,  φ_i(x_i) = sin(ω_0 (W_i x_i + b_i))"),
        Paragraph(
            "and draws its weights so that the arguments of all hidden sines have the same variance, whatever the "
            "depth: uniformly within ±1/n in the first layer of n inputs, within ±√(6/n)/ω₀ in the others. The "
            "frequency ω₀ determines which detail the field can represent, and, if it is too high, what it invents "
            "between the samples. The derivative of such a network is a network of the same kind, so that a field can "
            "be fitted to measured derivatives of a signal instead of its values:"
        ),
        Equation(formula(LOSS), "L = mean of |DΦ(x_i) - d_i|², where D is the identity, the gradient or the Laplacian"),
        Paragraph(
            "Gradients leave a constant undetermined, and Laplacians more. Such fields, and the methods they are "
            "compared with, are scored after adding the constant that brings them nearest to the observed samples; "
            "held-out samples do not affect it. Here a field is evaluated as a jet: its value, gradient and second "
            "derivatives are carried forward together by the chain rule, so that a loss on derivatives needs one pass "
            "each way. Targets are in true units, that is, value per coordinate unit."
        ),
    ]


def related(names: Iterable[str]) -> tuple[list[Block], list[Block]]:
    """Write a paragraph on the methods that occur, and a numbered list of their papers."""
    known = [METHODS[name] for name in METHODS if name in set(names)]
    papers = list(dict.fromkeys(["siren", *(paper for _, paper in known)]))
    said = dict.fromkeys(f"{what} [{1 + papers.index(paper)}]" for what, paper in known)
    about = [sentence[0].upper() + sentence[1:] + "." for sentence in said]
    opening = "Coordinate networks supervised by derivatives were introduced with SIREN [1]."
    references = [Paragraph(f"[{number}] {REFERENCES[paper]}") for number, paper in enumerate(papers, 1)]
    return [Heading("Related work"), Paragraph(" ".join([opening, *about]))], [Heading("References"), *references]
