"""The step on a GPU, where there is one: `make gpu-test` runs this on a machine that has one."""

import warnings

import pytest
import torch

from lnlbench.benchmark import Job, Split, fit, train
from lnlbench.benchmark.protocol.settings import setting
from lnlbench.benchmark.sweep.grid import grid
from lnlbench.benchmark.sweep.options import Options
from lnlbench.benchmark.sweep.scheduler import sweep
from lnlbench.leaderboard.store.address import store_address
from lnlbench.leaderboard.store.store import Store
from lnlbench.methods import Composition, methods, parse
from lnlbench.methods.base import Method, cross_entropy

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")

FP64 = {"device": "cuda", "precision": "fp64"}
NAMES = [*methods(), "dal + sam"]
ACCURATE = ["ce", "gce", "dal", "small_loss", "sam"]


def job(text, model, replicate=0, **changes):
    source = torch.Generator().manual_seed(0)
    images = torch.randint(256, (300, 3, 32, 32), dtype=torch.uint8, generator=source)
    given = torch.randint(10, (300,), generator=source)
    split = Split(
        images[:256], given[:256], images[256:], given[256:], 10, (0.5,) * 3, (0.25,) * 3, {"test": images[256:]}
    )
    recipe = {"model": model, "epochs": 2, "batch_size": 32, **changes}
    method = Composition((text,)) if isinstance(text, Method) else parse(text)
    told = {"noise_rate": 0.25, "transition_matrix": 0.7 * torch.eye(10) + 0.03, "clean_validation": given[256:]}
    return Job(setting("cifar10-fast/symmetric-0.4").override(**recipe), method, replicate, split, told)


@pytest.fixture(autouse=True)
def _repeatable():
    """Without kernels that add up in another order each time: float64 is compared closely here."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        yield


def equal(ours, reference, close=1e-8):
    assert len(ours) == len(reference)
    for a, b in zip(ours, reference, strict=True):
        torch.testing.assert_close(a.online.loss, b.online.loss, rtol=close, atol=close)
        assert (a.loss, a.weight_norm, a.distance) == pytest.approx((b.loss, b.weight_norm, b.distance), rel=close)
        assert (a.forward, a.backward) == (b.forward, b.backward)
        assert torch.equal(a.predictions["test"], b.predictions["test"])


def epochs(jobs, **options):
    """The epochs of each job, in the order of the jobs."""
    found = [[] for _ in jobs]
    for one, epoch in train(jobs, **FP64 | options):
        next(mine for mine, each in zip(found, jobs, strict=True) if each is one).append(epoch)
    return found


@pytest.mark.parametrize("text", NAMES)
def test_gpu_equals_cpu_in_float64(text):
    runs = [list(fit(job(text, "cnn4"), device=device, precision="fp64")) for device in ("cuda", "cpu")]
    equal(*runs)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("text", NAMES)
def test_graph_equals_loop_in_float64(text, optimizer):
    one = job(text, "cnn4", optimizer=optimizer, lr=0.02 if optimizer == "sgd" else 0.002)
    (ours,), (reference,) = (epochs([one], execution=execution) for execution in ("graph", "loop"))
    assert all(epoch.replayed for epoch in ours) and not any(epoch.replayed for epoch in reference)
    equal(ours, reference)


@pytest.mark.parametrize("model", ["mlp", "cnn4"])
@pytest.mark.parametrize("text", [name for name in NAMES if parse(name).stackable])
def test_graph_of_a_stack_equals_loop_in_float64(text, model):
    jobs = [job(text, model, replicate) for replicate in range(4)]
    for ours, reference in zip(epochs(jobs, execution="graph"), epochs(jobs, execution="loop"), strict=True):
        assert all(epoch.replayed and epoch.stacked == 4 for epoch in ours)
        equal(ours, reference)


@pytest.mark.parametrize("text", ["elr", "ema", "co_teaching", "mixup"])
def test_graph_goes_on_where_loop_ended_and_loop_where_graph_did(text):
    one = job(text, "cnn4", epochs=4)
    (whole,) = epochs([one], execution="loop")
    for first, second in (("graph", "loop"), ("loop", "graph")):
        state = next(epoch.state() for _, epoch in train([one], execution=first, **FP64) if epoch.epoch == 1)
        (rest,) = epochs([one], execution=second, states=[state])
        equal(rest, whole[2:])


class Looking(Method):
    """Looks at a value, which no graph can."""

    name = "looking"

    def loss(self, logits, batch, clock):
        return cross_entropy(logits, batch.targets) * (2.0 if logits.detach().sum().item() > 0 else 1.0)


def test_what_cannot_be_captured_goes_on_step_by_step_and_leaves_the_device_in_order():
    one = job(Looking(), "resnet18")
    with pytest.warns(UserWarning, match="looking cannot be replayed"):
        (ours,) = epochs([one], execution="graph")
    equal(ours, epochs([one], execution="loop")[0])
    (after,) = epochs([job("ce", "cnn4")], execution="graph")
    assert all(epoch.replayed for epoch in after)


@pytest.mark.parametrize("execution", ["loop", "graph"])
@pytest.mark.parametrize("text", ["ce", "sam", "co_teaching"])
def test_resnet18_trains_in_bf16_with_channels_last(text, execution):
    (found,) = epochs([job(text, "resnet18")], precision="bf16", execution=execution)
    assert not found[-1].diverged and all(epoch.replayed == (execution == "graph") for epoch in found)


@pytest.mark.realdata("uoft-cs/cifar10")
@pytest.mark.parametrize("text", ACCURATE)
def test_bf16_and_graph_reach_the_accuracy_of_fp32_and_loop(text, tmp_path, data_dir):
    """On CIFAR-10, ten epochs, three replicates: the difference of the means is within the spread of the replicates."""
    found = {}
    for precision, execution in (("fp32", "loop"), ("bf16", "graph")):
        uri = f"sqlite:///{tmp_path / precision}.db"
        options = Options(store=store_address(uri), device="cuda", execution=execution, data_dir=data_dir)
        runs = grid(["cifar10-fast/symmetric-0.4"], text, "0-2", {"epochs": 10}, options, precision=precision)
        with warnings.catch_warnings(), torch.backends.cudnn.flags(enabled=True):  # as they are used
            warnings.simplefilter("error")
            assert not sweep(runs, options).failed
        found[precision] = 100 * torch.tensor([Store(uri).result(run.key).curves["test_accuracy"][-1] for run in runs])
        print(f"\n{text}, {precision}, {execution}: {[round(x, 2) for x in found[precision].tolist()]}")  # noqa: T201
    spread = (sum(row.var() for row in found.values()) / 2) ** 0.5
    assert (found["bf16"] - found["fp32"]).mean().abs() <= 2 * spread
