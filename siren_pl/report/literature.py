"""The introduction of the document, and descriptions of models and schemes, by name, with their papers."""

from __future__ import annotations

from collections.abc import Iterable

from siren_pl.report.blocks import Block, Equation, Heading, Paragraph
from siren_pl.report.charts import formula

REFERENCES = {
    "siren": (
        "V. Sitzmann, J. N. P. Martel, A. W. Bergman, D. B. Lindell, G. Wetzstein. Implicit Neural Representations "
        "with Periodic Activation Functions. NeurIPS 2020. arXiv:2006.09661."
    ),
    "nerf": (
        "B. Mildenhall, P. P. Srinivasan, M. Tancik, J. T. Barron, R. Ramamoorthi, R. Ng. NeRF: Representing Scenes"
        " as Neural Radiance Fields for View Synthesis. ECCV 2020. arXiv:2003.08934."
    ),
    "fourier": (
        "M. Tancik, P. P. Srinivasan, B. Mildenhall, S. Fridovich-Keil, N. Raghavan, U. Singhal, R. Ramamoorthi, J."
        " T. Barron, R. Ng. Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional "
        "Domains. NeurIPS 2020. arXiv:2006.10739."
    ),
    "gaussian": (
        "S. Ramasinghe, S. Lucey. Beyond Periodicity: Towards a Unifying Framework for Activations in "
        "Coordinate-MLPs. ECCV 2022. arXiv:2111.15135."
    ),
    "wire": (
        "V. Saragadam, D. LeJeune, J. Tan, G. Balakrishnan, A. Veeraraghavan, R. G. Baraniuk. WIRE: Wavelet "
        "Implicit Neural Representations. CVPR 2023. arXiv:2301.05187."
    ),
    "finer": (
        "Z. Liu, H. Zhu, Q. Zhang, J. Fu, W. Deng, Z. Ma, Y. Guo, X. Cao. FINER: Flexible Spectral-bias Tuning in "
        "Implicit Neural Representation by Variable-periodic Activation Functions. CVPR 2024. arXiv:2312.02434."
    ),
    "mfn": "R. Fathony, A. K. Sahu, D. Willmott, J. Z. Kolter. Multiplicative Filter Networks. ICLR 2021.",
    "bacon": (
        "D. B. Lindell, D. Van Veen, J. J. Park, G. Wetzstein. BACON: Band-limited Coordinate Networks for "
        "Multiscale Scene Representation. CVPR 2022. arXiv:2112.04645."
    ),
    "ngp": (
        "T. Müller, A. Evans, C. Schied, A. Keller. Instant Neural Graphics Primitives with a Multiresolution Hash "
        "Encoding. ACM Transactions on Graphics 41(4), 2022. arXiv:2201.05989."
    ),
    "tensor": (
        "P. Ashtari, P. Behmandpoor, N. Deligiannis, A. Pižurica. FUTON: Fourier Tensor Network for Implicit Neural "
        "Representations. 2026. arXiv:2602.13414."
    ),
    "domains": (
        "B. Moseley, A. Markham, T. Nissen-Meyer. Finite Basis Physics-Informed Neural Networks (FBPINNs): a Scalable "
        "Domain Decomposition Approach for Solving Differential Equations. Advances in Computational Mathematics 49, "
        "2023. arXiv:2107.07871."
    ),
    "scaled": (
        "T. Yeom, S. Lee, J. Lee. Fast Training of Sinusoidal Neural Fields via Scaling Initialization. ICLR 2025. "
        "arXiv:2410.04779."
    ),
    "he": (
        "K. He, X. Zhang, S. Ren, J. Sun. Delving Deep into Rectifiers: Surpassing Human-Level Performance on "
        "ImageNet Classification. ICCV 2015. arXiv:1502.01852."
    ),
    "glorot": (
        "X. Glorot, Y. Bengio. Understanding the Difficulty of Training Deep Feedforward Neural Networks. AISTATS 2010."
    ),
}
# Description and paper by the name of a model or an init scheme; names that are missing need no reference.
METHODS = {
    "siren": ("SIREN puts a sine with frequency ω₀ after every affine map", "siren"),
    "siren_pe": ("SIREN can also follow a positional encoding, whose frequencies are octaves", "nerf"),
    "relu_pe": ("ReLU networks represent more detail after a positional encoding by octaves", "nerf"),
    "fourier_features": ("random Fourier features encode positions with frequencies drawn from a Gaussian", "fourier"),
    "gaussian": ("Gaussian activations are local where sines are periodic", "gaussian"),
    "wire": ("WIRE multiplies a sine by a Gaussian, which gives a Gabor wavelet", "wire"),
    "wire_complex": ("complex WIRE keeps the wavelet's phase in complex weights", "wire"),
    "finer": ("FINER lets a sine's frequency grow with its argument, so that biases choose frequencies", "finer"),
    "mfn_fourier": ("multiplicative filter networks replace composition by products of sines", "mfn"),
    "mfn_gabor": ("multiplicative filter networks of Gabor wavelets localise each factor", "mfn"),
    "bacon": ("BACON limits the band of every factor of a filter network, and so that of every output", "bacon"),
    "hash_grid": ("hash grids look features up in tables at many resolutions", "ngp"),
    "tensor_product": ("a Fourier series whose coefficients are a low-rank (CP) tensor has no layers at all", "tensor"),
    "tiles": ("small SIRENs on overlapping tiles are blended by windows that sum to one", "domains"),
    "siren_scaled": (
        "scaled initialisation multiplies SIREN's weights, except those of the last layer, by a constant",
        "scaled",
    ),
    "kaiming_normal": ("Kaiming's scheme keeps the variance of ReLU layers", "he"),
    "kaiming_uniform": ("Kaiming's scheme keeps the variance of ReLU layers", "he"),
    "xavier_normal": ("Xavier's scheme balances the variance of both passes", "glorot"),
    "xavier_uniform": ("Xavier's scheme balances the variance of both passes", "glorot"),
}
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
