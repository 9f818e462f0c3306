# Reference numbers for pooled proportions: R's metafor (rma.glmm with 25 quadrature points, logit and
# Freeman-Tukey by REML) on metadat's Pritz set, on Table 1 of the review and on edge cases.
# Run from the repository root: Rscript tests/reference/evidence_proportions.R
suppressMessages({library(metafor); library(metadat)})
options(digits = 17, warn = -1)
tight <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-13)
folder <- "tests/reference/"

# Table 1 of the review: positive and examined, printed percentages turned to counts (k = round(n pct))
dtc <- data.frame(xi = c(81, 12, 30, 99, 88), ni = c(227, 61, 134, 414, 350), analyte = "DTC")
ctc <- data.frame(xi = c(51, 112, 43, 56, 115, 7), ni = c(81, 299, 83, 431, 116, 7), analyte = "CTC")
sets <- list(
  pritz = data.frame(xi = dat.pritz1997$xi, ni = dat.pritz1997$ni),
  dtc = dtc[, 1:2], ctc = ctc[, 1:2],
  dtc_source = data.frame(xi = c(81, 12, 30, 107, 89), ni = c(227, 61, 134, 414, 350)),
  zeros = data.frame(xi = c(0, 3, 5, 0, 12, 1), ni = c(20, 40, 35, 15, 60, 22)),
  homogeneous = data.frame(xi = c(10, 20, 30, 41), ni = c(40, 80, 120, 160)),
  two = data.frame(xi = c(5, 30), ni = c(50, 90)))
rows <- list(); data <- list()
put <- function(set, model, quantity, value)
  rows[[length(rows) + 1]] <<- data.frame(set = set, model = model, quantity = quantity, value = as.numeric(value))
for (set in names(sets)) {
  d <- sets[[set]]
  data[[set]] <- data.frame(set = set, xi = d$xi, ni = d$ni)
  f <- rma.glmm(measure = "PLO", xi = xi, ni = ni, data = d, nAGQ = 25)
  put(set, "glmm", "link_estimate", f$beta); put(set, "glmm", "link_se", f$se)
  put(set, "glmm", "tau2", f$tau2); put(set, "glmm", "i2", f$I2 / 100)
  put(set, "glmm", "estimate", transf.ilogit(f$beta)); put(set, "glmm", "ci_low", transf.ilogit(f$ci.lb))
  put(set, "glmm", "ci_high", transf.ilogit(f$ci.ub)); put(set, "glmm", "q", f$QE.LRT); put(set, "glmm", "q_p_value", f$QEp.LRT)
  k <- nrow(d)
  if (k > 2) {
    reach <- qt(.975, k - 2) * sqrt(f$se^2 + f$tau2)
    put(set, "glmm", "prediction_low", transf.ilogit(f$beta - reach))
    put(set, "glmm", "prediction_high", transf.ilogit(f$beta + reach))
  }
  for (method in c("REML", "DL", "PM")) for (test in c("z", "adhoc")) {
    f <- rma(measure = "PLO", xi = xi, ni = ni, data = d, method = method, test = test, control = tight)
    key <- paste0(tolower(method), "-logit ", test)
    put(set, key, "link_estimate", f$beta); put(set, key, "link_se", f$se); put(set, key, "tau2", f$tau2)
    put(set, key, "i2", f$I2 / 100); put(set, key, "estimate", transf.ilogit(f$beta))
    put(set, key, "ci_low", transf.ilogit(f$ci.lb)); put(set, key, "ci_high", transf.ilogit(f$ci.ub))
    put(set, key, "q", f$QE)
    if (method == "REML" && k > 2) {
      ci <- confint(f, control = list(tol = 1e-12))$random
      put(set, key, "tau2_low", ci["tau^2", "ci.lb"]); put(set, key, "tau2_high", ci["tau^2", "ci.ub"])
      reach <- qt(.975, k - 2) * sqrt(f$se^2 + f$tau2)
      put(set, key, "prediction_low", transf.ilogit(f$beta - reach))
      put(set, key, "prediction_high", transf.ilogit(f$beta + reach))
    }
  }
  e <- escalc(measure = "PFT", xi = xi, ni = ni, data = d)
  for (test in c("z", "adhoc")) {
    f <- rma(yi, vi, data = e, method = "REML", test = test, control = tight)
    key <- paste("freeman-tukey", test)
    hm <- 1 / mean(1 / d$ni)
    back <- function(v) transf.ipft(v, ni = hm)
    put(set, key, "link_estimate", f$beta); put(set, key, "link_se", f$se); put(set, key, "tau2", f$tau2)
    put(set, key, "estimate", back(f$beta)); put(set, key, "ci_low", back(f$ci.lb)); put(set, key, "ci_high", back(f$ci.ub))
  }
}
# moderator: analyte, on the printed Table 1
both <- rbind(ctc, dtc)
f <- rma.glmm(measure = "PLO", xi = xi, ni = ni, mods = ~ analyte, data = both, nAGQ = 25)
for (j in 1:2) { put("table1", "regression", paste0("beta", j), f$beta[j]); put("table1", "regression", paste0("se", j), f$se[j]) }
put("table1", "regression", "tau2", f$tau2); put("table1", "regression", "p2", f$pval[2])
data$table1 <- data.frame(set = "table1", xi = both$xi, ni = both$ni)
# profile-likelihood interval of the standard deviation between studies, by R's integrate and optimize
marginal <- function(mu, tau, d) sum(mapply(function(x, n) {
  if (tau == 0) return(x * mu - n * log1p(exp(mu)))
  inside <- function(z) x * (mu + tau * z) - n * log1p(exp(mu + tau * z)) + dnorm(z, log = TRUE)
  top <- optimize(inside, c(-20, 20), maximum = TRUE, tol = 1e-10)
  width <- 1 / sqrt(-(inside(top$maximum + 1e-3) + inside(top$maximum - 1e-3) - 2 * top$objective) / 1e-6)
  top$objective + log(integrate(function(z) exp(inside(z) - top$objective), top$maximum - 12 * width,
                                top$maximum + 12 * width, rel.tol = 1e-11)$value)
}, d$xi, d$ni))
profile <- function(tau, d) optimize(function(mu) marginal(mu, tau, d), c(-4, 4), maximum = TRUE, tol = 1e-9)$objective
for (set in c("pritz", "dtc")) {
  d <- sets[[set]]
  best <- optimize(function(tau) profile(tau, d), c(0, 3), maximum = TRUE, tol = 1e-8)
  drop <- function(tau) best$objective - profile(tau, d) - qchisq(.95, 1) / 2
  put(set, "profile", "tau", best$maximum)
  put(set, "profile", "tau_low", if (drop(0) < 0) 0 else uniroot(drop, c(0, best$maximum), tol = 1e-9)$root)
  put(set, "profile", "tau_high", uniroot(drop, c(best$maximum, 4), tol = 1e-9)$root)
}
for (pair in list(c(7, 7), c(0, 15), c(3, 40), c(1, 1))) {
  b <- binom.test(pair[1], pair[2])$conf.int
  put("exact", paste(pair, collapse = "/"), "low", b[1]); put("exact", paste(pair, collapse = "/"), "high", b[2])
}
write.csv(do.call(rbind, rows), paste0(folder, "evidence_proportions.csv"), row.names = FALSE)
write.csv(do.call(rbind, data), paste0(folder, "evidence_counts.csv"), row.names = FALSE)
writeLines(capture.output(sessionInfo()), paste0(folder, "evidence_proportions.session.txt"))
