# Reference numbers for the rows behind a pooled figure, end to end: rates made up for the test as a
# user would give them. R's metafor (rma, regtest, ranktest, trimfill, influence, rma.glmm)
# and, for Peters' test, lm. Run from the repository root: Rscript tests/reference/evidence_rows.R
suppressMessages(library(metafor))
options(digits = 17, warn = -1)
tight <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-13)
d <- read.csv("tests/reference/evidence_rows_data.csv")
d <- escalc(measure = "PLO", xi = k, ni = n, data = d)
rows <- list()
put <- function(set, model, quantity, value)
  rows[[length(rows) + 1]] <<- data.frame(set = set, model = model, quantity = quantity, value = as.numeric(value))
f <- rma(yi, vi, data = d, method = "REML", control = tight)
e <- regtest(yi, vi, data = d, model = "lm")
put("bias", "Egger", "statistic", e$zval); put("bias", "Egger", "p_value", e$pval)
b <- ranktest(yi, vi, data = d)
put("bias", "Begg", "statistic", b$tau); put("bias", "Begg", "p_value", b$pval)
p <- summary(lm(as.numeric(yi) ~ I(1 / n), data = d, weights = 1 / (1 / k + 1 / (n - k))))$coefficients
put("bias", "Peters", "statistic", p[2, 3]); put("bias", "Peters", "p_value", p[2, 4])
t <- trimfill(f)
put("bias", "fill", "filled", t$k0); put("bias", "fill", "right", t$side == "right")
put("bias", "fill", "estimate", plogis(t$beta))
i <- influence(f)$inf
for (j in seq_len(nrow(d))) {
  g <- rma.glmm(measure = "PLO", xi = k, ni = n, data = d[-j, ], nAGQ = 25)
  r <- rma(yi, vi, data = d[-j, ], method = "REML", test = "adhoc", control = tight)
  put("without", d$row[j], "estimate", plogis(g$beta)); put("without", d$row[j], "tau2", g$tau2)
  put("without", d$row[j], "reml", plogis(r$beta))
  put("without", d$row[j], "reml_low", plogis(r$ci.lb)); put("without", d$row[j], "reml_high", plogis(r$ci.ub))
  put("without", d$row[j], "studentised_residual", i$rstudent[j])
  put("without", d$row[j], "dffits", i$dffits[j]); put("without", d$row[j], "cook_distance", i$cook.d[j])
}
d$cancer <- relevel(factor(d$cancer), "breast"); d$assay <- relevel(factor(d$assay), "CellSearch")
m <- rma(yi, vi, mods = ~ assay + cancer + volume_ml, data = d, method = "REML", test = "adhoc", control = tight)
names <- c("intercept", "assay RT-PCR", "cancer lung", "cancer prostate", "volume [mL]")
for (j in seq_along(names)) {
  put("regression", names[j], "estimate", m$beta[j]); put("regression", names[j], "se", m$se[j])
  put("regression", names[j], "p_value", m$pval[j])
  put("regression", names[j], "ci_low", m$ci.lb[j]); put("regression", names[j], "ci_high", m$ci.ub[j])
}
put("regression", "model", "p_value", m$QMp); put("regression", "model", "r2", m$R2 / 100)
put("regression", "model", "tau2", m$tau2); put("regression", "model", "q", m$QE); put("regression", "model", "q_p_value", m$QEp)
write.csv(do.call(rbind, rows), "tests/reference/evidence_rows.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/evidence_rows.session.txt")
