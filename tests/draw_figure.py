"""One drawing of every figure of brainsim.figure, from made-up recordings and fits."""

from dataclasses import replace
from functools import cache

import numpy as np
import xarray as xr
from made_up import calcium_trials, fit, fraction_trials, independent_gaussian
from paired import CELLS, NEW, PUFF, TONE, learned

from brainsim import accuracy, figure, fraction_change, regression
from brainsim.compare import compare
from brainsim.figure import (
    attainable,
    benchmark,
    celltype,
    change,
    checkpoint,
    deconvolution,
    generators,
    network,
    reliability,
    resemblance,
)
from brainsim.figure import pathway as groups
from brainsim.gan_score import GanScore, source_name
from brainsim.held_out import HeldOut, Labelled
from brainsim.pathway import Pathway
from brainsim.response_group import ResponseGroups
from brainsim.trace_evidence import TraceEvidence


@cache
def comparison():
    """Return a recording beside trials of the same cells and beside independent ones."""
    recorded = calcium_trials(0)
    others = {"simulated": calcium_trials(1, source="simulated"), "generated": independent_gaussian(recorded)}
    return compare(recorded, others)


def pictures():
    """Draw a report of trials with frames."""
    return figure.pictures(comparison())


def pictures_of_single_frames():
    """Draw a report of trials with one frame."""
    return figure.pictures(compare(fraction_trials(0), {"generated": fraction_trials(1, source="generated")}))


def of_checkpoints():
    """Draw the card over two checkpoints."""
    found = comparison()
    scores = {source_name(epoch): found.scores[name] for epoch, name in ((0, "generated"), (40, "simulated"))}
    score = GanScore([0, 40], replace(found, scores=scores), {0: 2.0, 40: 0.1}, 40)
    return checkpoint.over_epochs(score, found.statistics)


def of_connectivity():
    """Draw a benchmark of two methods on two data sets, one without a result."""
    rows = [
        {
            "preset": data,
            "method": method,
            "ap": ap,
            "mcc_own": own,
            "mcc_best": best,
            "density": 0.1,
            "runs": [{"ap": ap}],
        }
        for data, method, ap, own, best in (
            ("dense", "brainsim", 0.7, 0.6, 0.64),
            ("dense", "correlation", 0.4, 0.1, 0.35),
            ("sparse", "brainsim", 0.9, 0.85, 0.88),
            ("sparse", "correlation", None, None, None),
        )
    ]
    return benchmark.picture(rows)


def of_reliability():
    """Draw probabilities that are too large on one data set, in two networks; on another there are too few pairs."""
    rng = np.random.default_rng(0)
    curves = []
    for n in (40, 40, 5):
        told = rng.beta(0.5, 2, (n, n))
        curves.append(accuracy.reliability(told, (rng.random((n, n)) < told**1.2).astype(float)))
    rows = [
        {
            "preset": data,
            "method": "brainsim",
            "runs": [{"reliability": each} for each in some],
            "reliability": accuracy.pooled(some),
        }
        for data, some in (("dense", curves[:2]), ("few", curves[2:]))
    ]
    return reliability.picture(rows)


def of_deconvolution():
    """Draw a benchmark of two deconvolutions."""
    rows = [
        {"data": data, "method": method, "correlation": r, "low": r - 0.1, "high": r + 0.06}
        for data, method, r in (
            ("GCaMP6f", "oasis", 0.6),
            ("GCaMP6f", "derivative", 0.4),
            ("GCaMP6s", "oasis", 0.5),
            ("GCaMP6s", "derivative", 0.3),
        )
    ]
    return deconvolution.picture(rows)


def of_what_frames_tell():
    """Draw what classifiers tell of cell types, and a fit that tells nothing of one preset."""
    rows = [
        {"preset": preset, "method": method, "ei_accuracy": right, "low": low, "high": high, "all_excitatory": 0.8}
        for preset, method, right, low, high in (
            ("slow frames", "ours", None, None, None),
            ("slow frames", "labelled", 0.82, 0.79, 0.84),
            ("fast frames", "ours", 0.6, 0.52, 0.68),
            ("fast frames", "labelled", 0.97, 0.96, 1.0),
        )
    ]
    return attainable.picture(rows)


def of_generators():
    """Draw a benchmark of generators on one recording."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "data": "sound and airpuff",
            "method": method,
            "kind": kind,
            "values": {metric: list(rng.normal(at, 0.03, n)) for metric, _ in generators.SHOWN},
        }
        for method, kind, at, n in (
            ("recorded held-out trials", "floor", 0.9, 1),
            ("r3gan", "model", 0.85, 3),
            ("wgan-gp", "model", 0.6, 3),
            ("shrinkage Gaussian", "rival", 0.7, 3),
        )
    ]
    return generators.picture(rows)


def of_cells():
    """Draw cells of two data sets, told apart while held out."""
    rng = np.random.default_rng(0)
    excitatory, sets = np.arange(40) % 3 > 0, np.array(["mice/one", "mice/two"])[np.arange(40) % 2]
    evidence = np.where(excitatory, 1.2, -1.2) + rng.normal(0, 1.2, 40)
    known = Labelled(np.zeros((40, 1)), excitatory, np.arange(40).astype(str), sets, np.ones(40, bool))
    held = tuple(
        HeldOut(name, noise * evidence, 1 / (1 + np.exp(-noise * evidence)), np.ones(40, bool), ())
        for name, noise in (("cell", 1.0), ("data set", -0.2 + (evidence > 0)))
    )
    said = TraceEvidence(evidence, known.answered, known.rows, (), evidence, known, held, ())
    return celltype.picture(said)


def of_a_change():
    """Draw a change between three groups beside its truth."""
    rng, names = np.random.default_rng(0), ["aud", "air", "I"]
    true = np.array([[0.1, 0.3, 0.05], [0.02, 0.15, -0.1], [0.2, -0.05, 0.1]])
    pairs = ("pre_group", "post_group")
    result = xr.Dataset(
        {
            "growth": (pairs, true + rng.normal(0, 0.04, true.shape)),
            "growth_se": (pairs, np.full(true.shape, 0.04)),
            "growth_q": (pairs, np.where(np.abs(true) > 0.12, 0.01, 0.4)),
            "true_growth": (pairs, true),
            "learned_growth": (pairs, true + rng.normal(0, 0.1, true.shape)),
        },
        coords=dict.fromkeys(pairs, names),
        attrs={"before": "aud", "after": "aud again", "auc_grew": 0.94, "auc_grew_learned": 0.71},
    )
    return change.change_picture(result)


def of_groups():
    """Draw what changed between groups of cells, beside the truth."""
    excitatory = np.arange(CELLS) < 30
    members = {"aud": TONE & excitatory, "air": PUFF & excitatory, "audair": np.isin(np.arange(CELLS), np.r_[NEW])}
    ways = [Pathway("intra-E", "E", "E", "intra-E")]
    pairs = (("aud", "air"), ("aud", "audair"), ("audair", "audair"))
    ways += [Pathway(f"{pre}->{post}", pre, post, "intra-E") for pre, post in pairs]
    ways += [Pathway("I->E", "I", "E", "I->E"), Pathway("I->audair", "I", "audair", "I->E")]
    changes = fraction_change.fraction_changes(learned(), members, ways)
    truth = fraction_change.fraction_changes(learned(repeats=1, grown=3.0, seed=1), members, ways)
    lines = regression.regressions(changes, [("aud->audair", "audair->audair"), ("I->audair", "audair->audair")])
    return groups.change_pictures(changes, lines.assign(r_squared_random=0.08), truth)


def of_a_fit():
    """Draw a fit with known truth; most pairs are connected, so that neurons stand on a circle."""
    dense = fit(16, kinds=["E"] * 12 + ["I"] * 4)
    return network.fit_pictures(dense.assign(q_value=dense["q_value"] * 0 + np.where(np.arange(16) % 3, 0.001, 0.8)))


def network_picture():
    """Draw a network whose neurons are sorted by what they answer."""
    label = np.array(["aud"] * 6 + ["air"] * 5 + ["aud+air"] * 3 + ["other"] * 4 + ["I"] * 6)
    order = ["aud", "aud+air", "air", "other", "I"]
    members = {name: label == name for name in ("aud", "air")}
    return network.network_picture(fit(), ResponseGroups(members, label, order, ""))


def learning_curve_picture():
    """Draw two losses."""
    epoch = np.arange(60)
    return network.learning_curve_picture({"critic_loss": 3 * np.exp(-epoch / 20), "penalty": np.sqrt(epoch) / 8})


def of_resemblance():
    """Draw recorded beside simulated responses."""
    rng = np.random.default_rng(0)
    recorded = rng.normal(0, 1, (4, 20))
    conditions, repeats = ["aud", "vis", "air", "aud_air"], 3
    found = xr.Dataset(
        {
            "recorded_response": (("condition", "neuron"), recorded),
            "simulated_response": (("repeat", "condition", "neuron"), recorded + rng.normal(0, 1, (repeats, 4, 20))),
            "resemblance": (("repeat", "condition"), rng.normal(0.6, 0.1, (repeats, 4))),
            "resemblance_other": ("condition", np.array([0.1, 0.2, 0.0, 0.3])),
            "resemblance_shuffled": (("bound", "condition"), np.array([[-0.4] * 4, [0.4] * 4])),
            "resemblance_p": ("condition", np.full(4, 0.001)),
        },
        coords={"condition": conditions, "bound": [0.025, 0.975]},
        attrs={"resemblance_mean": 0.6, "resemblance_p_stimuli": 0.04},
    )
    return resemblance.resemblance_picture(found)


DRAWN = {
    figure.pictures: (pictures, pictures_of_single_frames),
    checkpoint.over_epochs: (of_checkpoints,),
    benchmark.picture: (of_connectivity,),
    attainable.picture: (of_what_frames_tell,),
    deconvolution.picture: (of_deconvolution,),
    generators.picture: (of_generators,),
    celltype.picture: (of_cells,),
    change.change_picture: (of_a_change,),
    groups.change_pictures: (of_groups,),
    network.fit_pictures: (of_a_fit,),
    network.network_picture: (network_picture,),
    network.learning_curve_picture: (learning_curve_picture,),
    reliability.picture: (of_reliability,),
    resemblance.resemblance_picture: (of_resemblance,),
}
