# Reference numbers for the evidence tables: Table 1 pooled as printed and corrected, all rows as
# independent and one row for each group of patients; Fisher on Table 2; odds ratios of DTC to CTC in
# the same patients; meta-regression of CTC against DTC. R's metafor and metap.
# Run from the repository root: Rscript tests/reference/evidence_tables.R
suppressMessages({library(metafor); library(metap)})
options(digits = 17, warn = -1)
tight <- list(threshold = 1e-14, maxiter = 10000)
sets <- list(
  dtc_printed_all = list(k = c(81, 12, 30, 99, 88), n = c(227, 61, 134, 414, 350)),
  dtc_corrected_all = list(k = c(81, 12, 30, 107, 89), n = c(227, 61, 134, 414, 350)),
  dtc_printed_pick = list(k = c(81, 99, 88), n = c(227, 414, 350)),
  dtc_corrected_pick = list(k = c(81, 107, 89), n = c(227, 414, 350)),
  ctc_printed_all = list(k = c(51, 112, 43, 56, 115, 7), n = c(81, 299, 83, 431, 116, 7)),
  ctc_printed_pick = list(k = c(51, 112, 43, 56, 115), n = c(81, 299, 83, 431, 116)),
  ctc_corrected_pick = list(k = c(51, 112, 58, 7), n = c(81, 299, 431, 7)))
rows <- list()
put <- function(set, quantity, value)
  rows[[length(rows) + 1]] <<- data.frame(set = set, quantity = quantity, value = as.numeric(value))
for (set in names(sets)) {
  d <- sets[[set]]
  g <- rma.glmm(measure = "PLO", xi = d$k, ni = d$n, nAGQ = 25)
  put(set, "estimate", plogis(g$beta)); put(set, "ci_low", plogis(g$ci.lb))
  put(set, "ci_high", plogis(g$ci.ub)); put(set, "tau2", g$tau2); put(set, "i2", g$I2 / 100)
  r <- rma(measure = "PLO", xi = d$k, ni = d$n, method = "REML", control = tight)
  p <- predict(r)  # normal quantile
  put(set, "reml_estimate", plogis(r$beta)); put(set, "reml_i2", r$I2 / 100)
  put(set, "reml_pi_low_normal", plogis(p$pi.lb)); put(set, "reml_pi_high_normal", plogis(p$pi.ub))
}
fisher <- function(p) sumlog(p)$p
put("dfs_post_dtc", "fisher_printed", fisher(c(.003, .02, .0035, .003, .03)))
put("dfs_post_dtc", "fisher_corrected_all", fisher(c(.003, .48, .02, .03)))
put("dfs_post_dtc", "fisher_corrected_pick", fisher(c(.003, .02, .03)))
pairs <- data.frame(dk = c(81, 107, 49, 34, 43, 4, 48), dn = c(227, 414, 231, 103, 162, 24, 341),
                    ck = c(112, 58, 11, 65, 6, 10, 34), cn = c(299, 431, 219, 117, 141, 25, 341),
                    phase = rep(c("pre", "post"), c(4, 3)))
for (phase in c("pre", "post")) {
  d <- pairs[pairs$phase == phase, ]
  r <- rma(measure = "OR", ai = dk, n1i = dn, ci = ck, n2i = cn, data = d, test = "adhoc", control = tight)
  set <- paste0("odds_ratio_", phase)
  put(set, "estimate", exp(r$beta)); put(set, "ci_low", exp(r$ci.lb)); put(set, "ci_high", exp(r$ci.ub))
}
k <- c(sets$ctc_printed_all$k, sets$dtc_printed_all$k); n <- c(sets$ctc_printed_all$n, sets$dtc_printed_all$n)
dtc <- rep(0:1, c(6, 5))
put("ctc_against_dtc", "p_wald", rma(measure = "PLO", xi = k, ni = n, mods = ~dtc, control = tight)$pval[2])
put("ctc_against_dtc", "p_knapp_hartung",
    rma(measure = "PLO", xi = k, ni = n, mods = ~dtc, test = "adhoc", control = tight)$pval[2])
write.csv(do.call(rbind, rows), "tests/reference/evidence_tables.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/evidence_tables.session.txt")
