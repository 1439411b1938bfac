"""What a number from a finite test set can and cannot say: intervals, paired tests, the smallest visible difference.

Every interval is two-sided at 95 %; what is random is fixed by the seed that is passed.
"""

from nlptl.statistics.crossed import difference_over_seeds, jackknife_error, paired_over_seeds, smallest_over_seeds
from nlptl.statistics.formulas import (
    TYPICAL_CORRELATION,
    holm,
    mcnemar_exact,
    mean_and_spread,
    smallest_detectable_difference,
    wilson,
)
from nlptl.statistics.pooled import paired_ratio, ratio_interval
from nlptl.statistics.records import Difference, Interval, Spread
from nlptl.statistics.resampling import (
    bootstrap,
    bootstrap_mean,
    calibration_interval,
    interval,
    multilabel_calibration_interval,
    paired_bootstrap,
    paired_interval,
)

__all__ = [
    "TYPICAL_CORRELATION",
    "Difference",
    "Interval",
    "Spread",
    "bootstrap",
    "bootstrap_mean",
    "calibration_interval",
    "difference_over_seeds",
    "holm",
    "interval",
    "jackknife_error",
    "mcnemar_exact",
    "mean_and_spread",
    "multilabel_calibration_interval",
    "paired_bootstrap",
    "paired_interval",
    "paired_over_seeds",
    "paired_ratio",
    "ratio_interval",
    "smallest_detectable_difference",
    "smallest_over_seeds",
    "wilson",
]
