"""What of a field is supervised, and how the result is judged."""

from siren_pl.tasks.editing import poisson_edit as poisson_edit
from siren_pl.tasks.gradients import poisson_grad as poisson_grad
from siren_pl.tasks.laplacians import poisson_laplacian as poisson_laplacian
from siren_pl.tasks.restoration import denoising as denoising
from siren_pl.tasks.restoration import inpainting as inpainting
from siren_pl.tasks.restoration import super_resolution as super_resolution
from siren_pl.tasks.task import Task as Task
from siren_pl.tasks.task import Term as Term
from siren_pl.tasks.values import image_fit as image_fit
