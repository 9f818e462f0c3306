"""Published evidence: what is reported study by study, and how it is pooled.

The statistics work on plain arrays and return frozen results with ``.table()`` and ``.to_json()``:
`effects` (random-effects pooling), `heterogeneity`, `regression`, `subgroups`, `influence`, `bias`
and `trim_and_fill`; `proportions` on the binomial-normal model of `logit_normal`; `p_values` for
studies that print nothing else; `effect_sizes` for log hazard ratios from what papers print; and
`kaplan_meier_reconstruction` for curves that were only drawn.
"""
