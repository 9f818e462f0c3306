# Maximally selected log-rank statistics by R's maxstat; run: Rscript survival_cut_points.R
library(survival)
library(maxstat)
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
g <- gbsg
g$time <- g$rfstime + g$pid / 10000   # no ties: with ties the scores of the package differ
one <- function(set, formula, data, least) {
  f92 <- maxstat.test(formula, data, smethod = "LogRank", pmethod = "Lau92", minprop = least,
                      maxprop = 1 - least)
  f94 <- maxstat.test(formula, data, smethod = "LogRank", pmethod = "Lau94", minprop = least,
                      maxprop = 1 - least)
  data.frame(set, cut = num(f92$estimate), statistic = num(f92$statistic), p92 = num(f92$p.value),
             p94 = num(f94$p.value), candidates = length(f94$stats))
}
write.csv(rbind(one("nodes", Surv(time, status) ~ nodes, g, 0.1),
                one("age", Surv(time, status) ~ age, g, 0.1),
                one("er", Surv(time, status) ~ er, g, 0.2)), "survival_cut_points.csv",
          row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "survival_cut_points.session.txt")
