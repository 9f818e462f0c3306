"""Cox models and log-rank tests side by side with lifelines, in one run, same numbers.

Needs lifelines beside marrowtrace. Prints the seconds of both, their ratio, and the largest
difference of the coefficients and statistics. Compilation (once a machine) is not counted; the
replicates of lifelines are timed on a part and scaled.

    python benchmarks/survival_speed.py [--patients 1000000] [--replicates 10000] [--sample 100]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.statistics import logrank_test

from marrowtrace.survival.cox import cox_regression
from marrowtrace.survival.cox_replicates import cox_replicates
from marrowtrace.survival.log_rank import log_rank_replicates

EXACT = {"precision": 1e-13, "r_precision": 1e-14}


def draw(rng: np.random.Generator, shape: tuple[int, ...]):
    x = np.stack(
        [rng.integers(0, 2, shape), rng.normal(size=shape), rng.gamma(2, 1, shape)], axis=-1
    ).astype(float)
    hazard = np.exp(x @ np.array([-0.4, 0.3, 0.2]))
    event_time = rng.exponential(1000 / hazard)
    censored = rng.uniform(0, 1500, shape)
    return np.minimum(event_time, censored), event_time <= censored, x


def clock(function, *arguments, **options):
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def frame(days, event, x):
    return pd.DataFrame({"time": days, "event": event, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})


def fit_lifelines(table):
    # its default stops at 1e-7; the tighter setting is for the comparison of numbers only
    return CoxPHFitter().fit(table, "time", "event")


def exact_lifelines(table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CoxPHFitter().fit(table, "time", "event", fit_options=EXACT)


def large(patients: int) -> None:
    days, event, x = draw(np.random.default_rng(1), (patients,))
    cox_regression(days[:500], event[:500], covariates=x[:500])
    ours, fit = min((clock(cox_regression, days, event, covariates=x) for _ in range(3)),
                    key=lambda pair: pair[0])  # fmt: skip
    theirs, other = clock(fit_lifelines, frame(days, event, x))
    difference = np.abs(fit.coefficients - other.params_.to_numpy()).max()
    spread = np.abs(fit.standard_errors - other.standard_errors_.to_numpy()).max()
    print(
        f"Cox, {patients:,} patients x 3: marrowtrace {ours:.3f} s, lifelines {theirs:.1f} s, "
        f"ratio {theirs / ours:.0f}; largest difference {difference:.1e} (error {spread:.1e})"
    )


def many(replicates: int, sample: int) -> None:
    days, event, x = draw(np.random.default_rng(2), (replicates, 400))
    arm = x[:, :, 0].astype(int)
    cox_replicates(days[:4], event[:4], covariates=x[:4])
    log_rank_replicates(days[:4], event[:4], group=arm[:4])
    ours, fits = clock(cox_replicates, days, event, covariates=x)
    ours_test, tests = clock(log_rank_replicates, days, event, group=arm)
    theirs = theirs_test = difference = difference_test = 0.0
    for r in range(sample):
        seconds, _ = clock(fit_lifelines, frame(days[r], event[r], x[r]))
        theirs += seconds
        one = arm[r] == 1
        seconds, test = clock(
            logrank_test, days[r][one], days[r][~one], event[r][one], event[r][~one]
        )
        theirs_test += seconds
        difference_test = max(difference_test, abs(test.test_statistic - tests.statistic[r]))
        if r < 20:
            exact = exact_lifelines(frame(days[r], event[r], x[r]))
            gap = np.abs(exact.params_.to_numpy() - fits.coefficients[r]).max()
            difference = max(difference, gap)
    scale = replicates / sample
    print(
        f"Cox, {replicates:,} x 400 patients x 3: marrowtrace {ours:.2f} s, lifelines "
        f"{theirs * scale:.0f} s (scaled from {sample}), ratio {theirs * scale / ours:.0f}; "
        f"largest difference {difference:.1e}"
    )
    print(
        f"log-rank, {replicates:,} x 400 patients: marrowtrace {ours_test:.2f} s, lifelines "
        f"{theirs_test * scale:.0f} s (scaled from {sample}), ratio "
        f"{theirs_test * scale / ours_test:.0f}; largest difference {difference_test:.1e}"
    )
    both = ours + ours_test
    print(
        f"both: marrowtrace {both:.2f} s, lifelines {(theirs + theirs_test) * scale:.0f} s, "
        f"ratio {(theirs + theirs_test) * scale / both:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--replicates", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=100)
    given = parser.parse_args()
    large(given.patients)
    many(given.replicates, given.sample)


if __name__ == "__main__":
    main()
