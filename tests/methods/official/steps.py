"""What official codes do beside a loss, in numbers: written from these codes in NumPy."""

from __future__ import annotations

import numpy as np
from losses import TEN, ce, slope, softmax

Z, Y = np.array([0.2, 2.0, 0.0]), 0
TWO = np.array([[1.5, -0.5, 0.2, 0.1], [-0.3, 0.8, 2.1, 0.4], [0.7, 0.6, -1.2, 3.0], [2.2, 0.1, 0.3, -0.9]])
OTHER = TWO[::-1] * 0.7 + 0.1


def sln_loss_of_corrected_targets(weight: float) -> float:
    """`noise_cifar_train.py`, from the second corrected epoch on: the loss that the next weight is made from."""
    predicted = int(Z.argmax())
    return weight * ce(Z, Y) + (1 - weight) * ce(Z, predicted)


def sop_step_of_u(log_p: float, u: float, rate: float) -> float:
    """`model/loss.py`: the step of u, of a batch of one whose prediction is another class than its label."""
    p = np.exp(log_p)
    entropy = 0.0 if p + u**2 < 1e-4 else 2 * u * (1 - 1 / (p + u**2))
    squares = 2 * (0 + u**2 - 1) * 2 * u  # of (prediction 0 + u² - label 1)²
    return -rate * (entropy + squares)


def nlnl_weights(counts: list[int]) -> np.ndarray:
    """`main_NL.py`: the weight of each given label."""
    shares = np.array(counts, float)
    return 1 / (shares / shares.max())


def truncated_factor(kept: int, batch: int) -> float:
    """`TruncatedLoss.py` takes the mean over the batch: its share of the gradient of a mean over what is kept."""
    return kept / batch


def forget_rates(tau: float, exponent: float, gradual: int) -> np.ndarray:
    """`main.py` of co-teaching: what is forgotten in as many epochs; it trains from the second of its schedule on."""
    return np.append(np.linspace(0, tau**exponent, gradual)[1:], tau)


def remembered(tau: float, batch: int) -> int:
    """`loss.py` of co-teaching: how many of a batch are kept."""
    return int((1 - tau) * batch)


def double_softmax_cosines() -> list[float]:
    """`loss.py` of co-teaching+: the cosines between its gradients and those of cross-entropy, of each sample."""
    found = []
    for z, y in zip(*TEN, strict=True):
        ours, theirs = np.array(slope(ce, z, y)), np.array(slope(lambda x, k: ce(softmax(x), k), z, y))
        found.append(float(ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)))
    return found


def co_guess() -> np.ndarray:
    """`Train_CIFAR.py` of DivideMix: the guessed target of a sample that is not called clean, sharpened at 0.5."""
    own, other, still = TWO[:2], OTHER[:2], 0.5  # the other network, in evaluation mode, is half as sure
    probabilities = [softmax(z) for z in own] + [softmax(still * z) for z in other]
    powers = np.mean(probabilities, axis=0) ** 2
    return powers / powers.sum()


def other_label_chance(probability: float, classes: int) -> float:
    """The notebook of Label-Noise-SGD: the chance that a label is replaced by another one."""
    return probability * (classes - 1) / classes


def renewed_parameters() -> int:
    """`networks/ResNet.py` of PES: how many tensors `renew_layers(1)` draws: three blocks, a shortcut, the head."""
    block, shortcut, head = 2 * 1 + 2 * 2, 1 + 2, 2  # convolutions without bias; weight and bias of BatchNorm
    return 3 * block + shortcut + head
