# Accuracy of predictions: riskRegression (AUC and Brier with competing risks, without and with
# covariate-free censoring weights) and survival (Uno's C). Run: Rscript survival_accuracy.R
library(survival)
suppressPackageStartupMessages(library(riskRegression))
library(prodlim)
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))

# rounded, so that ties do not hang on the last bit
gbsg$risk <- with(gbsg, round(0.05 * nodes - 0.4 * hormon + 0.3 * grade, 2))
d <- gbsg[, c("rfstime", "status", "risk")]
d$p3 <- 1 - exp(-0.25 * exp(d$risk))
mgus2$etime <- with(mgus2, ifelse(pstat == 0, futime, ptime)) + mgus2$id / 10000
mgus2$code <- with(mgus2, ifelse(pstat == 0, 2 * death, 1))
m <- mgus2[!is.na(mgus2$mspike), c("id", "etime", "code", "mspike", "age")]
m$p <- pmin(0.9, 0.02 + 0.08 * m$mspike)

score <- function(set, risk, formula, data, times, cause) {
  x <- Score(list(model = as.matrix(risk)), formula = formula, data = data, times = times,
             cause = cause, metrics = c("auc", "brier"), null.model = FALSE, conf.int = TRUE,
             se.fit = TRUE, cens.model = "km", conservative = FALSE, split.method = "none")
  one <- function(quantity, s, name) data.frame(set, quantity, time = s$times,
    value = num(s[[name]]), error = num(s$se))
  rbind(one("auc", x$AUC$score, "AUC"), one("brier", x$Brier$score, "Brier"))
}
three <- c(700, 1100, 1600)
s1 <- score("gbsg", cbind(d$p3, d$p3, d$p3), Hist(rfstime, status) ~ 1, d, three, 1)
months <- c(60, 120, 240)
s2 <- score("mgus2", cbind(m$p, m$p, m$p), Hist(etime, code) ~ 1, m, months, 1)
uno <- function(tau) {
  f <- if (is.finite(tau)) concordance(Surv(rfstime, status) ~ risk, d, timewt = "n/G2",
                                       reverse = TRUE, ymax = tau)
       else concordance(Surv(rfstime, status) ~ risk, d, timewt = "n/G2", reverse = TRUE)
  data.frame(set = "gbsg", quantity = "uno", time = tau, value = num(f$concordance),
             error = num(sqrt(f$var)))
}
write.csv(rbind(s1, s2, uno(1500), uno(1e6)), "survival_accuracy.csv", row.names = FALSE,
          quote = FALSE)
writeLines(capture.output(sessionInfo()), "survival_accuracy.session.txt")
