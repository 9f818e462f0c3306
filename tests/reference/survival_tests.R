# Log-rank tests and restricted means of R's survival; run from this folder:
#   Rscript survival_tests.R
library(survival)
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
colon2 <- colon[colon$etype == 2, ]
fits <- list(
  colon = survdiff(Surv(time, status) ~ rx, colon2),
  colon_strata = survdiff(Surv(time, status) ~ rx + strata(node4, sex), colon2),
  colon_peto = survdiff(Surv(time, status) ~ rx, colon2, rho = 1),
  colon_half = survdiff(Surv(time, status) ~ rx + strata(node4), colon2, rho = 0.5),
  gbsg = survdiff(Surv(rfstime, status) ~ grade, gbsg),
  mgus2 = survdiff(Surv(futime, death) ~ sex, mgus2)
)
total <- function(x) if (is.matrix(x)) rowSums(x) else x
rows <- function(set, f) {
  obs <- total(f$obs); expected <- total(f$exp); k <- length(obs)
  s <- seq_len(k) - 1
  trend <- sum(s * (obs - expected))^2 / as.numeric(s %*% f$var %*% s)
  rbind(
    data.frame(set, quantity = "observed", i = seq_len(k), value = num(obs)),
    data.frame(set, quantity = "expected", i = seq_len(k), value = num(expected)),
    data.frame(set, quantity = "variance", i = seq_len(k * k), value = num(f$var)),
    data.frame(set, quantity = "statistic", i = 1, value = num(f$chisq)),
    data.frame(set, quantity = "trend", i = 1, value = num(trend)))
}
write.csv(do.call(rbind, Map(rows, names(fits), fits)), "survival_log_rank.csv",
          row.names = FALSE, quote = FALSE)

mean_of <- function(set, f, tau) {
  t <- summary(f, rmean = tau)$table
  if (!is.matrix(t)) t <- t(as.matrix(t))
  data.frame(set, horizon = tau, group = seq_len(nrow(t)), mean = num(t[, "rmean"]),
             error = num(t[, "se(rmean)"]))
}
means <- rbind(
  mean_of("colon", survfit(Surv(time, status) ~ rx, colon2), 1825),
  mean_of("colon", survfit(Surv(time, status) ~ rx, colon2), 2300),
  mean_of("mgus2", survfit(Surv(futime, death) ~ sex, mgus2), 120),
  mean_of("mgus2", survfit(Surv(futime, death) ~ sex, mgus2), 394),
  mean_of("gbsg", survfit(Surv(rfstime, status) ~ hormon, gbsg), 2000.5),
  mean_of("heart", survfit(Surv(start, stop, event) ~ 1, heart), 1000)
)
write.csv(means, "survival_restricted_mean.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "survival_tests.session.txt")
