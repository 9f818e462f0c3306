# Reference numbers for funnel asymmetry: R's metafor (regtest, ranktest, trimfill) and, for Peters'
# test, lm. Run from the repository root: Rscript tests/reference/evidence_bias.R
suppressMessages({library(metafor); library(metadat)})
options(digits = 17, warn = -1)
tight <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-13)
folder <- "tests/reference/"
bcg <- escalc(measure = "OR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bcg$d <- bcg$tpos + bcg$cpos; bcg$n <- bcg$tpos + bcg$tneg + bcg$cpos + bcg$cneg
riley <- subset(dat.riley2003, outcome == "OS" & !is.na(yi) & !is.na(vi))
# an asymmetric funnel: small studies find more
lean <- data.frame(vi = c(.01, .02, .03, .05, .08, .1, .15, .2, .25, .3, .35, .4))
lean$yi <- c(.21, .18, .3, .22, .5, .35, .7, .6, .9, 1.2, .8, 1.3)
sets <- list(bcg = data.frame(yi = as.numeric(bcg$yi), vi = as.numeric(bcg$vi)),
             riley = data.frame(yi = as.numeric(riley$yi), vi = as.numeric(riley$vi)), lean = lean[, c("yi", "vi")])
rows <- list()
put <- function(set, model, quantity, value) rows[[length(rows) + 1]] <<- data.frame(set = set, model = model, quantity = quantity, value = as.numeric(value))
for (set in names(sets)) {
  d <- sets[[set]]
  f <- rma(yi, vi, data = d, method = "REML", control = tight)
  e <- regtest(yi, vi, data = d, model = "lm")
  put(set, "egger", "statistic", e$zval); put(set, "egger", "p_value", e$pval); put(set, "egger", "df", e$dfs)
  put(set, "egger", "limit", e$est); put(set, "egger", "limit_low", e$ci.lb); put(set, "egger", "limit_high", e$ci.ub)
  for (test in c("z", "knha")) {
    e <- regtest(rma(yi, vi, data = d, method = "REML", test = test, control = tight), model = "rma")
    key <- paste("egger random", test)
    put(set, key, "statistic", e$zval); put(set, key, "p_value", e$pval)
    put(set, key, "limit", e$est); put(set, key, "limit_low", e$ci.lb); put(set, key, "limit_high", e$ci.ub)
  }
  b <- ranktest(yi, vi, data = d)
  put(set, "begg", "statistic", b$tau); put(set, "begg", "p_value", b$pval)
  for (estimator in c("L0", "R0")) for (method in c("REML", "DL", "FE")) {
    t <- trimfill(rma(yi, vi, data = d, method = method, control = tight), estimator = estimator)
    key <- paste("fill", estimator, if (method == "FE") "common" else method)
    put(set, key, "filled", t$k0); put(set, key, "right", t$side == "right")
    # trimfill fits at the default convergence limit (1e-5 of tau2): trim, mirror and pool again, tightly
    s <- if (t$side == "right") -1 else 1
    o <- order(s * d$yi); y <- (s * d$yi)[o]; v <- d$vi[o]; k <- length(y); last <- seq_len(k) > k - t$k0
    centre <- as.numeric(rma(y[!last], v[!last], method = method, control = tight)$beta)
    t <- rma(s * c(y, 2 * centre - y[last]), c(v, v[last]), method = method, control = tight)
    put(set, key, "estimate", t$beta); put(set, key, "se", t$se); put(set, key, "tau2", t$tau2)
  }
}
p <- summary(lm(as.numeric(bcg$yi) ~ I(1 / bcg$n), weights = 1 / (1 / bcg$d + 1 / (bcg$n - bcg$d))))$coefficients
put("bcg", "peters", "slope", p[2, 1]); put("bcg", "peters", "slope_se", p[2, 2])
put("bcg", "peters", "statistic", p[2, 3]); put("bcg", "peters", "p_value", p[2, 4]); put("bcg", "peters", "limit", p[1, 1])
write.csv(do.call(rbind, rows), paste0(folder, "evidence_bias.csv"), row.names = FALSE)
write.csv(lean, paste0(folder, "evidence_lean.csv"), row.names = FALSE)
writeLines(capture.output(sessionInfo()), paste0(folder, "evidence_bias.session.txt"))
