"""Every model runs every task, every task runs in every precision, and what is asked to be compiled is compiled.

The suite takes every model, task and precision once; the products stand here.
"""

import pytest

from tests.conftest import Command
from tests.system.test_compilation import check_that_it_is_compiled
from tests.system.test_members import PRECISIONS, check_a_pair, members

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("model", members("model"))
@pytest.mark.parametrize("task", members("task"))
def test_every_model_runs_every_task(model: str, task: str, train: Command) -> None:
    check_a_pair(model, task, train)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("task", members("task"))
def test_every_task_runs_in_every_precision(task: str, precision: str, train: Command) -> None:
    assert train(f"trainer.precision={precision}", f"task={task}", "trainer.max_steps=2").code == 0


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("task", ["image_fit", "poisson_grad", "poisson_laplacian"])
def test_every_order_is_compiled_in_every_precision(task: str, precision: str, train: Command) -> None:
    check_that_it_is_compiled(task, precision, train)
