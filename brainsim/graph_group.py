"""Groups of neurons in a network: ensembles, and what reaches from one group to another."""

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
import pandas as pd
import xarray as xr

from brainsim import graph
from brainsim.grouping import Mask
from brainsim.missing import Floats


def ensemble_table(net: "nx.DiGraph[str]", members: Mapping[str, Mask] | None = None) -> pd.DataFrame:
    """Return one row for each ensemble, the largest first.

    Parameters
    ----------
    net
        As :func:`brainsim.graph.network` makes it.
    members
        Groups that are counted in each ensemble, (neuron,), in the order of the nodes.

    Returns
    -------
    DataFrame
        `ensemble` (its number, as in the table of hubs), `size`, `excitatory_edges` within it, `share_within` (of the
        strength of the excitatory edges that its members send, the share that stays within; NaN where they send none),
        the number of members of each group, and `neurons`, separated by blanks.
    """
    place, rows = {name: at for at, name in enumerate(net)}, []
    for number, cells in enumerate(graph.ensembles(net)):
        sent = [(b in cells, e["strength"]) for _, b, e in net.out_edges(cells, data=True) if e["sign"] > 0]
        inside, total = sum(s for within, s in sent if within), sum(s for _, s in sent)
        at = sorted(place[name] for name in cells)
        rows.append(
            {
                "ensemble": number,
                "size": len(cells),
                "excitatory_edges": sum(within for within, _ in sent),
                "share_within": inside / total if total else np.nan,
                **{f"members_{name}": int(mask[at].sum()) for name, mask in (members or {}).items()},
                "neurons": " ".join(sorted(cells, key=place.__getitem__)),
            }
        )
    return pd.DataFrame(rows)


def group_table(fit: xr.Dataset, members: Mapping[str, Mask]) -> pd.DataFrame:
    """Return one row for each ordered pair of groups.

    Parameters
    ----------
    fit
        As :func:`brainsim.graph.network` takes it.
    members
        Members of each group, (neuron,); all cells of each known type are added.

    Returns
    -------
    DataFrame
        `pre`, `post`, `pairs` of different neurons, `edges`, `density` (edges per pair), `excitatory_edges`,
        `inhibitory_edges`, `weight` (mean over edges) and `strength` (mean absolute weight over all pairs).
    """
    edge, weight = graph.is_edge(fit), graph.averaged(fit, "weight")
    kinds = np.array(graph.cell_types(fit))
    everyone = {**members, **{kind: kinds == kind for kind in ("E", "I") if (kinds == kind).any()}}
    apart = ~np.eye(len(kinds), dtype=bool)
    rows = []
    for pre, senders in everyone.items():
        for post, receivers in everyone.items():
            pair = apart & senders[:, None] & receivers[None, :]
            there = weight[pair & edge]
            rows.append({"pre": pre, "post": post, **_counts(there, int(pair.sum()))})
    return pd.DataFrame(rows)


def _counts(weight: Floats, pairs: int) -> dict[str, float | int]:
    """Count the edges of a block, given their weights."""
    return {
        "pairs": pairs,
        "edges": len(weight),
        "density": len(weight) / pairs if pairs else np.nan,
        "excitatory_edges": int((weight > 0).sum()),
        "inhibitory_edges": int((weight < 0).sum()),
        "weight": float(weight.mean()) if len(weight) else np.nan,
        "strength": float(np.abs(weight).sum() / pairs) if pairs else np.nan,
    }


def ring(net: "nx.DiGraph[str]", label: Sequence[str], order: Sequence[str]) -> dict[str, Floats]:
    """Return a place on a circle for each neuron, side by side with those of the same label, with gaps between labels.

    Parameters
    ----------
    net
        The network.
    label
        One for each node.
    order
        Labels, clockwise from the top.
    """
    gap = max(1.0, 0.012 * len(net))
    names, at, angle = list(net), 0.0, {}
    for group in order:
        for name in (name for name, own in zip(names, label, strict=True) if own == group):
            angle[name] = at
            at += 1
        at += gap
    turn = 2 * np.pi / max(at, 1.0)
    return {name: np.array([np.sin(place * turn), np.cos(place * turn)]) for name, place in angle.items()}
