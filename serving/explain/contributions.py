"""What each feature adds to a margin: exact tree SHAP values (Lundberg et al. 2020) of a LightGBM model. Predicts nothing.

A leaf of value v adds to feature j of its path

    v · (o_j − z_j) · ∫₀¹ ∏_{k≠j} (z_k + t · (o_k − z_k)) dt,

where o_k says whether the row passes all splits by k on the path, and z_k is the share of the training rows that passed each of
them. The integrand is a polynomial, so a few Gauss-Legendre points give the integral exactly. Rows that pass the same splits on
a path share the result.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np

from ...features.base.kernel_compiler import kernel
from ...features.base.processor_cores import usable_cores

_ROWS = 2_048  # at once: a block and its contributions fit the processor's cache
_ZERO = float(np.float32(1e-35))  # what LightGBM takes for zero
_SHARED = 16  # features of a path up to which rows with the same answers share a result; longer paths are rare
_INNER = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "internal_count")


@dataclass(frozen=True, slots=True)
class TreePaths:
    """All paths from a root to a leaf, one after another, each with the features that it tests.

    Attributes:
        start: where each path's steps begin, shape (leaves + 1,).
        value: what each leaf adds, shape (leaves,).
        feature, share: of each step: the feature, and z above.
        low, high: a number passes if low < number ≤ high (low NaN: no bound).
        nan, zero: whether a missing value passes, and whether zero does.
        first_test: where each path's tests by category begin, shape (leaves + 1,).
        category_tests: step within the path, first and last word of the set, whether members pass; shape (tests, 4).
        sets: the words of all sets of categories.
        base: the mean of the trees over the training rows.
    """

    start: np.ndarray
    value: np.ndarray
    feature: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    nan: np.ndarray
    zero: np.ndarray
    first_test: np.ndarray
    category_tests: np.ndarray
    sets: np.ndarray
    base: float


@dataclass(frozen=True, slots=True)
class Explainer:
    """The trees, ready to explain rows. Nothing in it changes, so threads may share it."""

    features: int
    paths: TreePaths
    points: np.ndarray
    weights: np.ndarray
    rule: np.ndarray

    @classmethod
    def from_trees(cls, trees: str, features: int) -> Self:
        """Read a well-formed LightGBM model text (`trees.checked_trees` checks one) with `features` columns."""
        paths = _paths(trees)
        points, weights, rule = _rules(np.diff(paths.start))
        return cls(features, paths, points, weights, rule)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """What each feature adds to the margin of each row, in log-odds; what LightGBM calls `pred_contrib`.

        Args:
            matrix: shape (rows, features), NaN where not defined.

        Returns:
            Shape (rows, features + 1); the last column is the mean margin of the training rows. A row's sum is its margin.
        """
        out = np.empty((len(matrix), self.features + 1))
        blocks = [slice(start, start + _ROWS) for start in range(0, len(matrix), _ROWS)]

        def fill(block: slice) -> None:
            out[block] = self._block(matrix[block])

        if len(blocks) < 2:
            for block in blocks:
                fill(block)
            return out
        with ThreadPoolExecutor(min(len(blocks), usable_cores())) as pool:
            for _ in pool.map(fill, blocks):  # reads the results, so that an error is raised here
                pass
        return out

    def _block(self, rows: np.ndarray) -> np.ndarray:
        columns = np.ascontiguousarray(rows.T, dtype=np.float64)
        added = np.zeros((self.features + 1, len(rows)))
        added[-1] = self.paths.base
        p = self.paths
        steps = (p.feature, p.share, p.low, p.high, p.nan, p.zero)
        _explain(
            columns,
            p.start,
            p.value,
            *steps,
            p.first_test,
            p.category_tests,
            p.sets,
            self.points,
            self.weights,
            self.rule,
            added,
        )
        return added.T


def _rules(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gauss-Legendre points and weights on [0, 1] for paths of each length that occurs, and where they begin by length."""
    rule = np.zeros(int(lengths.max(initial=0)) + 1, np.int64)
    points, weights = [np.empty(0)], [np.empty(0)]
    for n in sorted(set(((lengths + 1) // 2).tolist()) - {0}):
        x, w = np.polynomial.legendre.leggauss(n)  # exact up to degree 2n − 1
        rule[2 * n - 1 : 2 * n + 1] = sum(map(len, points))
        points.append((x + 1) / 2)
        weights.append(w / 2)
    return np.concatenate(points), np.concatenate(weights), rule


def _paths(text: str) -> TreePaths:
    trees = list(_trees(text))
    leaves = np.array([int(tree["num_leaves"]) for tree in trees], np.int64)
    inner = {name: _numbers(tree[name] for tree in trees) for name in _INNER}
    whole = [inner[name].astype(np.int64) for name in _INNER if name != "threshold"]
    value = _numbers(tree["leaf_value"] for tree in trees)
    count = _numbers(tree["leaf_count"] if n > 1 else "1" for tree, n in zip(trees, leaves, strict=True))
    bounds, starts, sets = _categories(trees)
    *steps, base = _walk(leaves, inner["threshold"], *whole, value, count, bounds, starts)
    start, feature, share, low, high, nan, zero, first_test, category_tests = steps
    return TreePaths(start, value, feature, share, low, high, nan, zero, first_test, category_tests, sets, base)


def _trees(text: str) -> Iterator[dict[str, str]]:
    """The lines of each tree, by the key before `=`."""
    body = text.partition("\n\n")[2].partition("end of trees")[0]
    for block in body.split("Tree=")[1:]:
        yield dict(line.split("=", 1) for line in block.split("\n")[1:] if line)


def _numbers(lists: Iterator[str]) -> np.ndarray:
    return np.array(list(map(float, " ".join(lists).split())))


def _categories(trees: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each set of categories begins and ends, the first set of each tree, and the words of all sets."""
    bounds, starts, words = [0], [], []
    for tree in trees:
        starts.append(len(bounds) - 1)
        if int(tree["num_cat"]):
            edges = tree["cat_boundaries"].split()
            bounds += [len(words) + int(edge) for edge in edges[1:]]
            words += [int(word) for word in tree["cat_threshold"].split()]
    return np.array(bounds, np.int64), np.array(starts, np.int64), np.array(words, np.uint32)


@kernel
def _walk(leaves, threshold, feature, decision, left, right, inner, value, count, bounds, starts):
    """From every leaf up to its root: the steps of its path, one per feature, as `TreePaths` holds them."""
    up = np.full(feature.size, -1)  # the parent of each node, and of each leaf
    over = np.full(value.size, -1)
    steps = _link_parents(leaves, left, right, up, over)
    start, first_test = np.zeros(value.size + 1, np.int64), np.zeros(value.size + 1, np.int64)
    step_feature, share = np.empty(steps, np.int64), np.ones(steps)
    low, high = np.full(steps, np.nan), np.full(steps, np.inf)
    nan, zero = np.ones(steps, np.bool_), np.ones(steps, np.bool_)
    category_tests = np.empty((steps if bounds.size > 1 else 0, 4), np.int64)
    base, end, n, node_0, leaf_0 = 0.0, 0, 0, 0, 0
    for tree in range(leaves.size):
        for leaf in range(leaf_0, leaf_0 + leaves[tree]):
            reached, below, child, node = 1.0, count[leaf], -1 - (leaf - leaf_0), over[leaf]
            first = end
            while node >= 0:
                k = first
                while k < end and step_feature[k] != feature[node]:
                    k += 1
                if k == end:
                    step_feature[k] = feature[node]
                    end += 1
                fraction = below / inner[node]
                share[k] *= fraction
                reached *= fraction
                goes_left = left[node] == child
                kind = (decision[node] >> 2) & 3  # which values are missing: 0 none, 1 zero and NaN, 2 NaN
                by_default = (decision[node] & 2 > 0) == goes_left
                if decision[node] & 1:  # by category; a missing value is in no set
                    which = starts[tree] + int(threshold[node])
                    category_tests[n, 0], category_tests[n, 1] = k - first, bounds[which]
                    category_tests[n, 2], category_tests[n, 3] = bounds[which + 1], goes_left
                    n += 1
                    nan[k] &= not goes_left
                else:
                    at_zero = (threshold[node] >= 0.0) == goes_left if kind != 1 else by_default
                    zero[k] &= at_zero
                    nan[k] &= by_default if kind == 2 else at_zero
                    if goes_left:
                        high[k] = min(high[k], threshold[node])
                    else:
                        low[k] = low[k] if low[k] >= threshold[node] else threshold[node]
                below, child, node = inner[node], node - node_0, up[node]
            base += value[leaf] * reached
            start[leaf + 1], first_test[leaf + 1] = end, n
        node_0 += leaves[tree] - 1
        leaf_0 += leaves[tree]
    return (
        start,
        step_feature[:end],
        share[:end],
        low[:end],
        high[:end],
        nan[:end],
        zero[:end],
        first_test,
        category_tests[:n],
        base,
    )


@kernel
def _link_parents(leaves, left, right, up, over):
    """Fill in the parent of each node and leaf; returns the length of all paths together."""
    depth = np.zeros(up.size, np.int64)
    total, node_0, leaf_0 = 0, 0, 0
    for tree in range(leaves.size):
        for node in range(node_0, node_0 + leaves[tree] - 1):  # a node comes before those below it
            for child in (left[node], right[node]):
                if child >= 0:
                    up[node_0 + child] = node
                    depth[node_0 + child] = depth[node] + 1
                else:
                    over[leaf_0 - 1 - child] = node
                    total += depth[node] + 1
        node_0 += leaves[tree] - 1
        leaf_0 += leaves[tree]
    return total


@kernel
def _explain(
    columns,
    start,
    value,
    feature,
    share,
    low,
    high,
    nan,
    zero,
    first_test,
    category_tests,
    sets,
    points,
    weights,
    rule,
    added,
):
    """Add what all leaves add to each feature (first axis) of each row (second axis)."""
    rows = columns.shape[1]
    longest = max(rule.size - 1, 1)
    passes = np.empty((longest, rows), np.bool_)
    answers, mine = np.empty((longest, rows), np.bool_), np.empty(rows, np.int64)
    given, product = np.empty((longest, rows)), np.empty(rows)
    code = np.empty(rows, np.int64)
    seen = np.full(1 << min(longest, _SHARED), -1)
    for leaf in range(value.size):
        first, size = start[leaf], start[leaf + 1] - start[leaf]
        if size == 0:
            continue
        _test_numbers(columns, feature, low, high, nan, zero, first, size, passes)
        for test in range(first_test[leaf], first_test[leaf + 1]):
            k, begin, end, members = category_tests[test]
            _test_category(columns[feature[first + k]], sets[begin:end], members == 1, passes[k])
        different = _distinct_answers(passes, size, code, seen, mine, answers)
        _integrate(answers, size, different, value[leaf], share, first, points, weights, rule[size], product, given)
        for k in range(size):
            column = feature[first + k]
            for row in range(rows):
                added[column, row] += given[k, mine[row]]


@kernel
def _test_numbers(columns, feature, low, high, nan, zero, first, size, passes):
    """Whether each row passes each step of a path."""
    for k in range(size):
        column, above, most = feature[first + k], low[first + k], high[first + k]
        if_nan, if_zero = nan[first + k], zero[first + k]
        for row in range(columns.shape[1]):
            x = columns[column, row]
            inside = (not x <= above) & (x <= most)
            inside = if_zero if abs(x) <= _ZERO else inside
            passes[k, row] = if_nan if x != x else inside


@kernel
def _test_category(column, words, members, passes):
    """Clear `passes` of rows whose category is on the other side of the split."""
    for row in range(column.size):
        x = column[row]
        if x == x:
            inside = False
            if -1.0 < x < 32.0 * words.size:
                category = int(x)
                inside = (words[category >> 5] >> np.uint32(category & 31)) & 1 == 1
            passes[row] &= inside == members


@kernel
def _distinct_answers(passes, size, code, seen, mine, answers):
    """The different answers to a path's steps (first axis: the step); `mine` is the answer of each row."""
    rows = mine.size
    if size > _SHARED:
        answers[:size] = passes[:size]
        for row in range(rows):
            mine[row] = row
        return rows
    code[:] = 0
    for k in range(size):
        for row in range(rows):
            code[row] |= np.int64(passes[k, row]) << k
    different = 0
    for row in range(rows):
        if seen[code[row]] < 0:
            seen[code[row]] = different
            for k in range(size):
                answers[k, different] = passes[k, row]
            different += 1
        mine[row] = seen[code[row]]
    for row in range(rows):
        seen[code[row]] = -1
    return different


@kernel
def _integrate(answers, size, different, value, share, first, points, weights, rule, product, given):
    """What a leaf adds to each feature of its path, for each of the different answers."""
    given[:size, :different] = 0.0
    for q in range(rule, rule + (size + 1) // 2):
        t = points[q]
        product[:different] = weights[q] * value
        for k in range(size):
            without = share[first + k] * (1.0 - t)
            for i in range(different):
                product[i] *= without + t if answers[k, i] else without
        for k in range(size):
            without = share[first + k] * (1.0 - t)
            inverse, inverse_with = 1.0 / without, 1.0 / (without + t)
            for i in range(different):
                given[k, i] += product[i] * (inverse_with if answers[k, i] else inverse)
    for k in range(size):
        z = share[first + k]
        for i in range(different):
            given[k, i] *= 1.0 - z if answers[k, i] else -z
