"""Write the fixed numbers of official codes that come with the package.

python tests/methods/official/write.py > benchmark/conformance/official.toml
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import losses as of
import newer_losses as new
import numpy as np
import steps
import views
from losses import CLEAN, MATRIX, SHARES, SHIFTS, TEN, THREE, Loss, Vector, slope


@dataclass
class Case:
    """Fixed numbers of a loss: what they belong to, and what is allowed to differ."""

    method: str
    code: str
    losses: list[Loss] | Loss  # of each sample, or of all
    bound: float = 1e-9
    why: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    gradient: Callable[[Vector, int], list[float]] | None = None
    ten: bool = True

    def lines(self) -> list[str]:
        """Return the table of the file."""
        found = [f"method = {quoted(self.method)}", f"code = {quoted(self.code)}"]
        found += [f"{name} = {plain(value)}" for name, value in self.extra.items()]
        for name, (logits, labels) in {"three": THREE, "ten": TEN}.items() if self.ten else {"three": THREE}.items():
            losses = self.losses if isinstance(self.losses, list) else [self.losses] * len(labels)
            rows = list(zip(losses, logits, labels, strict=True))
            found.append(f"{name} = {plain([float(np.real(loss(z, y))) for loss, z, y in rows])}")
            if name == "three":
                slopes = [self.gradient(z, y) if self.gradient else slope(loss, z, y) for loss, z, y in rows]
                found.append(f"gradient = {plain(slopes)}")
        found += [f"bound = {self.bound:g}", f"why = {quoted(self.why)}"]
        return ["[[loss]]", *found, ""]


@dataclass
class Step:
    """Fixed numbers of anything else; `name` is the function of the package that gives ours."""

    method: str
    name: str
    code: str
    value: Any
    bound: float = 1e-9
    why: str = ""

    def lines(self) -> list[str]:
        """Return the table of the file."""
        found = [f"method = {quoted(self.method)}", f"name = {quoted(self.name)}", f"code = {quoted(self.code)}"]
        found += [f"value = {plain(self.value)}", f"bound = {self.bound:g}", f"why = {quoted(self.why)}"]
        return ["[[step]]", *found, ""]


def quoted(text: str) -> str:
    """Return a TOML string."""
    return f'"{text}"'


def plain(value: Any) -> str:
    """Return numbers with fifteen digits, lists and tables in brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {plain(x)}" for name, x in value.items()) + "}"
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[" + ", ".join(map(plain, value)) + "]"
    if isinstance(value, (int, np.integer, bool)):
        return str(value).lower()
    text = f"{float(value):.15g}"
    return text if set(text) & set(".en") else f"{text}.0"


APL, ALF = "HanxunH/Active-Passive-Losses: loss.py", "hitcszx/ALFs: losses.py"
DAL, GJS = "XiuchuanLi/DAL: utils/losses.py", "ErikEnglesson/GJS: losses.py"
NLS, CO = "UCSC-REAL/negative-label-smoothing: loss.py", "bhanML/Co-teaching"
ANL, EPS = "Virusdoll/Active-Negative-Loss: loss.py", "cswjl/eps-softmax: losses.py"
THROUGH = "the gradient of the code goes through the weight, at a rate of 5e-7; ours takes it for a constant"
CUT = "the code clamps p at {}, which cuts off the gradient of labels that are less probable"
TEMPERED, TEMPERED_SLOPE = of.bi_tempered(0.7, 1.5)
WEIGHTS = max(SHARES) / np.maximum(np.array(SHARES, float), 1)
GIVEN = [label for label, count in enumerate(SHARES) for _ in range(count)]
SPARSE = "ce_sr(temperature=0.5, power={}, lam={}, growth=1)"
CASES = [
    Case("mae", f"{DAL}, MAE", of.mae),
    Case("gce", f"{APL}, GeneralizedCrossEntropy", of.gce(0.7), 2e-5, CUT.format("1e-7")),
    Case("truncated_gce", "AlanChou/Truncated-Loss: TruncatedLoss.py, of samples that are kept", of.truncated(0.7),
         why="the code subtracts a constant"),
    Case("sce", f"{APL}, SCELoss", of.weighted(0.1, of.ce, 1, of.rce), 1e-5, CUT.format("1e-7")),
    Case("nce_rce", f"{APL}, NCEandRCE", of.weighted(1, of.nce, 1, of.rce), 1e-5, CUT.format("1e-7")),
    Case("nce_mae", f"{APL}, NCEandMAE", of.weighted(1, of.nce, 1, of.mae)),
    Case("nce_mae(alpha=0, beta=1)", f"{APL}, NCEandMAE", of.weighted(0, of.nce, 1, of.mae)),
    Case("nce_agce", f"{ALF}, NCEandAGCE", of.weighted(1, of.nce, 4, of.agce(6, 1.5))),
    Case("taylor_ce", f"{DAL}, TCE", of.taylor(18), 2e-5, CUT.format("1e-6")),
    Case("js", f"{GJS}, JensenShannonDivergenceWeightedScaled", of.js(0.5), 1e-7,
         "the code clamps the mixture at 1e-7"),
    Case("js(pi=0.3)", f"{GJS}, JensenShannonDivergenceWeightedScaled", of.js(0.3), 1e-7,
         "the code clamps the mixture at 1e-7"),
    Case("label_smoothing", f"{NLS}, loss_gls", of.smoothed(0.1)),
    Case("negative_label_smoothing", f"{NLS}, loss_gls", of.smoothed(-0.2), extra={"epoch": 50, "epochs": 100},
         why="the code begins from a trained network, at a learning rate of 1e-6"),
    Case("soft_bootstrapping", f"{GJS}, Bootstrapping", of.soft_bootstrap(0.95), 15.0,
         "the code clamps p at 1e-7: its -log p is at most 16.1, without a gradient beyond"),
    Case("hard_bootstrapping", "Reed et al. 2015, eq. 7, without code", of.hard_bootstrap(0.8)),
    *(Case("dal", f"{DAL}, DAL", of.dal(epoch), 5e-4,
           "the code clamps p at 1e-6, and takes log(p + 1e-6) in the entropy",
           {"epoch": epoch, "epochs": 150}) for epoch in (0, 33, 100, 149)),
    Case(SPARSE.format(0.5, 0), f"{DAL}, CEandSR", of.sparse(0.5, 0.5, 0, 1e-6)),
    Case(SPARSE.format(0.01, 8), f"{DAL}, CEandSR", of.sparse(0.5, 0.01, 8, 1e-6)),
    Case("ce_sr(growth=1)", "hitcszx/lnl_sr: main.py, norm.py, on CIFAR-10", of.sparse(0.5, 0.1, 1.2, 1e-7),
         why="on MNIST the code does not divide by the length of the logits"),
    Case("bi_tempered", "google/bi-tempered-loss: jax/loss.py", TEMPERED, 3e-4,
         "the code stops after five fixed-point steps, ours takes Newton's to the end", gradient=TEMPERED_SLOPE),
    Case("nlnl", f"{DAL}, NLNL", [of.negative(WEIGHTS, shifts) for shifts in SHIFTS],
         extra={"given": GIVEN, "integers": SHIFTS}, ten=False, why="the code clamps 1 - p at 1e-5"),
    Case("forward", "Patrini et al. 2017, section 3", of.forward_corrected, extra={"matrix": MATRIX}, ten=False),
    Case("jocor(lam=0.85)", "hongxin001/JoCoR: algorithm/loss.py", [of.joint(0.85, other) for other in CLEAN],
         extra={"other": CLEAN}, ten=False),
    Case("elr", "shengliu66/ELR: model/loss.py, at the second visit", [of.early_learning(3, 0.7, z) for z in CLEAN],
         extra={"past": CLEAN}, ten=False,
         why="the code clamps p to [1e-4, 1 - 1e-4], ours holds the agreement below 1 - 1e-4"),
    Case("focal", f"{ANL}, FocalLoss", new.focal(0.5), why="Lin et al. 2017 have γ = 2, and a gradient of the weight"),
    Case("nfl_rce", f"{ANL}, nfl_rce", of.weighted(1, new.nfl(0.5), 1, of.rce), 1e-5, CUT.format("1e-7")),
    Case("anl_ce", f"{ANL}, anl_ce, without the penalty", of.weighted(5, of.nce, 5, new.nnce)),
    Case("anl_fl", f"{ANL}, anl_fl, without the penalty", of.weighted(5, new.nfl(0.5), 5, new.nnfl(0.5))),
    Case("nce_aul", f"{ALF}, NCEandAUE", of.weighted(1, of.nce, 4, new.aul(6.3, 1.5))),
    Case("nce_ael", f"{ALF}, NCEandAEL", of.weighted(1, of.nce, 4, new.ael(5))),
    Case("nce_amse", "cswjl/joint-asymmetric-loss, from Wang et al. 2025", of.weighted(1, of.nce, 1, new.amse(30))),
    *(Case(method, "Wang et al. 2026, without its code", loss, why="the paper's values could not be read: ours")
      for method, loss in (("vce", new.bounded_entropy(4)), ("vel", of.weighted(0, of.nce, 2.5, new.ael(2.5))),
                           ("vce(alpha=10)", of.weighted(10, of.nce, 1, new.bounded_entropy(4))))),
    Case("ce_eps_mae", f"{EPS}, ECEandMAE", of.weighted(0.01, new.nearly_one_hot(1e5), 10, of.mae), 0.25,
         "the code clamps p / (m + 1) at 1e-8: its first term is at most 18.4, without a gradient beyond"),
    Case("logit_clip", f"{EPS}, CEandLC", new.clipped(1.0), 5e-8, "the code adds 1e-7 to the length"),
    Case("ogc", "Virusdoll/OGC: methods/losses_ogc.py, at a threshold of 0.3", new.clipped_slope(0.3),
         1e-6, "the code clamps p at 1e-7", {"memory": {"threshold": 0.3}}),
    Case("volminnet", "xuefeng-li1/Provably-end-to-end-label-noise-learning-without-anchor-points, before a step",
         new.end_to_end(2.0)),
    *(Case("t_revision", f"xiaoboxia/T-Revision: loss.py, {name}", new.weighed(MATRIX, bool(why)), bound, why,
           {"matrix": MATRIX, "epoch": epoch, "epochs": 100}, ten=False)
      for name, epoch, bound, why in (("reweight_loss", 0, 1e-9, ""),
                                      ("reweighting_revision_loss", 60, 0.57, THROUGH))),
    Case("cores", "haochenglouis/cores: loss.py, loss_cores; phase1.py, learning rate over 1 + β",
         new.sieved(2.0, np.array([2 / 3, 0, 1 / 3])),
         why="the code's marginal is that of the samples kept in the epoch before, ours that of the batch",
         extra={"epoch": 60, "epochs": 100}, ten=False),
    *(Case(f"gjs(pi={pi})", f"{GJS}, JensenShannonDivergenceWeightedScaled of two views",
           [views.generalised_js(pi, other) for other in CLEAN], why="the code clamps the mixture at 1e-7",
           extra={"view": CLEAN}, ten=False) for pi in (0.3, 0.9)),
    Case("sop", "shengliu66/SOP: model/loss.py, at u 0.3, v 0.2", of.over_parametrised(0.3, 0.2),
         extra={"memory": {"u": 0.3, "v": 0.2}}, ten=False),
]  # fmt: skip
STEPS = [
    Step("nlnl", "label_weights", "ydkim1293/NLNL-Negative-Learning-for-Noisy-Labels: main_NL.py, weights of labels",
         steps.nlnl_weights([7, 7, 3, 5, 3, 5, 5, 7, 5, 3])),
    Step("sln", "loss_of_corrected_targets", "chenpf1025/SLN: noise_cifar_train.py, what the second weight is made of",
         [steps.sln_loss_of_corrected_targets(0.9)], 0.19,
         "the code takes the loss of the targets that it corrected before, ours that of the given labels"),
    Step("sop", "step_of_u", "shengliu66/SOP: model/loss.py, step of u from 0.001 at p 8e-7 and 0.2, rate 1",
         [steps.sop_step_of_u(np.log(p), 0.001, 1.0) for p in (8e-7, 0.2)], 0.0041,
         "in the code u descends the squared error as well, ours is algorithm 1"),
    Step("truncated_gce", "share_of_gradient", "AlanChou/Truncated-Loss: TruncatedLoss.py, gradient, 8 of 16 kept",
         [steps.truncated_factor(8, 16)], 0.51, "the code's mean is over the batch, ours over what is kept"),
    Step("small_loss(exponent=2)", "forget_rates", f"{CO}: main.py, a ramp of ten epochs to 0.4",
         steps.forget_rates(0.4, 2, 10), 0.1,
         "the code goes in a line to 0.4 squared, then jumps to 0.4; ours goes as the square to 0.4"),
    Step("small_loss", "forget_rates", f"{CO}: main.py, a ramp of ten epochs to 0.4",
         steps.forget_rates(0.4, 1, 10), 0.081,
         "the code begins at a ninth of the rate and reaches it two epochs earlier"),
    Step("small_loss", "kept", f"{CO}: loss.py, samples kept of 64, 100 and 128 at 0.3",
         [steps.remembered(0.3, batch) for batch in (64, 100, 128)], 1.1, "the code rounds down, ours up"),
    Step("co_teaching_plus", "cosines_of_gradients", "xingruiyu/coteaching_plus: loss.py, cosine with cross-entropy",
         steps.double_softmax_cosines(), 0.51, "the code takes the softmax twice, ours is the paper's cross-entropy"),
    Step("dividemix", "co_guess", "LiJunnan1992/DivideMix: Train_CIFAR.py, targets of what is not clean",
         steps.co_guess()),
    Step("pes", "parameters_renewed", "tmllab/2021_NeurIPS_PES: PES_cs.py, tensors renewed in a ResNet-34",
         [steps.renewed_parameters()], why="the second and third phase are taken out of the training, not added"),
    Step("label_noise_sgd(p=0.45)", "share_flipped", "a-usually/Label-Noise-SGD, 0.5 of labels, any of ten classes",
         [steps.other_label_chance(0.5, 10)], why="the code trains with the squared error"),
    Step("sop_plus", "sop_plus_objective", "shengliu66/SOP: model/loss.py, both terms, at u 0.3, v 0.2",
         views.sop_plus(0.3, 0.2)),
    Step("elr_plus", "elr_plus_objective", "shengliu66/ELR: ELR_plus/model/loss.py, trainer.py, mixtures in halves",
         views.elr_plus(0.7, 3), why="for CIFAR-100 the code multiplies labels by targets"),
    Step("disc", "disc_sets", "JackYFL/DISC: algorithms/DISC.py, sets, labels and thresholds", views.disc_sets()),
    Step("disc", "disc_objective", "JackYFL/DISC: algorithms/DISC.py, losses/loss_mixup.py, mixtures in halves",
         views.disc(), why="the code clamps p at 1e-7 in GCE"),
]  # fmt: skip
HEAD = """\
# Numbers of official codes on fixed inputs, in float64, clamps and all. `tests/methods/official/write.py` made this
# file from what the codes say. `bound` is the largest difference from our methods that `why` explains.
"""

if __name__ == "__main__":
    tables = []
    for name, (logits, labels) in {"three": THREE, "ten": TEN}.items():
        tables += [f"[inputs.{name}]", f"logits = {plain(logits)}", f"labels = {plain(labels)}", ""]
    tables += [line for case in (*CASES, *STEPS) for line in case.lines()]
    sys.stdout.write("\n".join([HEAD, *tables]))
