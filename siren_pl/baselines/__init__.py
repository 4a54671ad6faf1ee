"""Classical answers to the same question: `baseline(signal) -> values on the grid`, or None where it has no say.

They are judged by the same `Task.judge` as the field, so that a reader sees what a network is worth.
`pretrained` is another kind: a super-resolution network from a file of published weights.
"""

from siren_pl.baselines.denoising import noisy as noisy
from siren_pl.baselines.denoising import non_local_means as non_local_means
from siren_pl.baselines.denoising import total_variation as total_variation
from siren_pl.baselines.editing import direct as direct
from siren_pl.baselines.editing import paste as paste
from siren_pl.baselines.editing import seamless_clone as seamless_clone
from siren_pl.baselines.enlargement import interpolation as interpolation
from siren_pl.baselines.enlargement import reference as reference
from siren_pl.baselines.inpainting import bicubic as bicubic
from siren_pl.baselines.inpainting import biharmonic as biharmonic
from siren_pl.baselines.inpainting import cubic as cubic
from siren_pl.baselines.inpainting import nearest as nearest
from siren_pl.baselines.poisson import gradient_solver as gradient_solver
from siren_pl.baselines.poisson import laplacian_solver as laplacian_solver
from siren_pl.baselines.poisson import pointwise_gradient_ceiling as pointwise_gradient_ceiling
from siren_pl.baselines.poisson import pointwise_laplacian_ceiling as pointwise_laplacian_ceiling
from siren_pl.baselines.references import pretrained as pretrained
