"""Accuracy and memorisation: pure functions of per-sample numbers and labels; the one place that reads true labels."""

from __future__ import annotations

from torch import Tensor

from lnlbench.benchmark.engine.job import Samples


def accuracy(predictions: Tensor, labels: Tensor) -> float:
    """Return the share of predictions [K, T] that equal the labels [T], mean of the K networks."""
    return (predictions == labels).double().mean().item()


def diagnose(samples: Samples, given: Tensor, true: Tensor) -> dict[str, float | None]:
    """Return loss, error and memorisation on correctly and wrongly labelled training samples; mean of the networks.

    Args:
        samples: numbers of M training samples.
        given: [N] labels that training sees.
        true: [N] true labels.

    Returns:
        `loss_correct`, `error_correct`, `residual_correct` and the same of `wrong`: cross-entropy, error and 1 - p,
        all against the given label. Of the wrongly labelled the shares predicted as the given label (`memorised`),
        as the true label (`corrected`) and as another (`other`); `auroc` of the loss as a detector of wrong labels,
        and the share `found` of them among as many samples of the largest loss; `auroc_margin`, of the mean margin so
        far, where it is known (Pleiss et al., NeurIPS 2020, equation 1: the area under the margin); `f1_confident` of
        the samples that confident learning suspects (Northcutt et al., JAIR 2021), here by the network in training.
        Where the method selects, `precision` and `recall` of correctly labelled samples among those it keeps, by
        weight. None where there is nothing to average over.
    """
    given, true = given[samples.index], true[samples.index]
    wrong = given != true
    error = (samples.prediction != given).double()
    found: dict[str, float | None] = {}
    for group, mask in (("correct", ~wrong), ("wrong", wrong)):
        for name, values in (("loss", samples.loss), ("error", error), ("residual", samples.residual)):
            found[f"{name}_{group}"] = _mean(values[:, mask])
    memorised, corrected = samples.prediction == given, samples.prediction == true
    found["memorised"] = _mean(memorised[:, wrong])
    found["corrected"] = _mean(corrected[:, wrong])
    found["other"] = _mean(~(memorised | corrected)[:, wrong])
    found["auroc"] = auroc(samples.loss, wrong)
    found["found"] = recall_at_budget(samples.loss, wrong)
    if samples.mean_margin is not None:
        found["auroc_margin"] = auroc(-samples.mean_margin, wrong)
    if samples.suspected is not None:
        found["f1_confident"] = f1(samples.suspected, wrong)
    if samples.weight is not None:
        kept = samples.weight.double()
        right = kept[:, ~wrong].sum().item()
        found["precision"] = right / kept.sum().item() if kept.sum() > 0 else None
        found["recall"] = right / (~wrong).sum().item() / len(kept) if (~wrong).any() else None
    return found


def auroc(scores: Tensor, positive: Tensor) -> float | None:
    """Area under the ROC curve of scores [K, M] as detectors of `positive` [M], mean of the networks; ties count half.

    None where one of the two groups is empty or a score is not a number.
    """
    count, total = int(positive.sum()), len(positive)
    if not 0 < count < total or scores.isnan().any():
        return None
    areas: list[float] = []
    for row in scores:
        _, place, repeats = row.unique(return_inverse=True, return_counts=True)
        rank = (repeats.cumsum(0) - (repeats - 1).double() / 2)[place]  # from 1, the mean rank of equal values
        areas.append(((rank[positive].sum() - count * (count + 1) / 2) / (count * (total - count))).item())
    return sum(areas) / len(areas)


def f1(suspected: Tensor, positive: Tensor) -> float | None:
    """Return the F1 score of samples [K, M] as `positive` [M], mean of the networks; None without positive ones."""
    if not positive.any():
        return None
    hits = (suspected & positive).sum(-1)
    return float((2 * hits.double() / (suspected.sum(-1) + positive.sum())).mean())


def recall_at_budget(scores: Tensor, positive: Tensor) -> float | None:
    """Share of `positive` [M] among as many samples of the largest scores [K, M] as it holds, mean of the networks.

    None where one of the two groups is empty or a score is not a number. Of equal scores at the border any may count.
    """
    count = int(positive.sum())
    if not 0 < count < len(positive) or scores.isnan().any():
        return None
    largest = scores.topk(count, dim=-1).indices
    return float(positive[largest].double().mean())


def _mean(values: Tensor) -> float | None:
    return float(values.double().mean()) if values.numel() else None
