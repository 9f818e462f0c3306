# Kaplan-Meier, left-truncated and reverse curves of R's survival; run from this folder:
#   Rscript kaplan_meier.R
# colon, mgus2 and heart come with the package; the same files lie in ../data/r_survival.
library(survival)

curve <- function(set, fit) {
  s <- summary(fit, times = unique(fit$time), censored = TRUE)
  data.frame(set = set, time = fit$time, at_risk = fit$n.risk, events = fit$n.event,
             censored = fit$n.censor, survival = fit$surv, low = fit$lower, high = fit$upper)
}
median_of <- function(set, fit) {
  q <- quantile(fit, 0.5)
  data.frame(set = set, median = unname(q$quantile), low = unname(q$lower),
             high = unname(q$upper))
}
death <- colon[colon$etype == 2, ]
fits <- list(
  colon_death = survfit(Surv(time, status) ~ 1, death, conf.type = "log-log"),
  mgus2_death = survfit(Surv(futime, death) ~ 1, mgus2, conf.type = "log-log"),
  mgus2_followed = survfit(Surv(futime, 1 - death) ~ 1, mgus2, conf.type = "log-log"),
  heart_truncated = survfit(Surv(start, stop, event) ~ 1, heart, conf.type = "log-log"),
  half = survfit(Surv(c(1, 2, 3, 4), c(1, 1, 1, 0)) ~ 1, conf.type = "log-log")
)
curves <- do.call(rbind, Map(curve, names(fits), fits))
medians <- do.call(rbind, Map(median_of, names(fits), fits))
options(digits = 16)
write.csv(format(curves, digits = 16), "kaplan_meier.csv", row.names = FALSE, quote = FALSE)
write.csv(format(medians, digits = 16), "kaplan_meier_median.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "kaplan_meier.session.txt")
