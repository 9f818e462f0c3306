# Reference numbers of four reconstructed adjuvant breast trials (tests/data/kmdata_*.csv): R's survival.
# Run from the repository root: Rscript tests/reference/evidence_trials.R
suppressMessages(library(survival))
options(digits = 17)
rows <- list()
put <- function(set, model, quantity, value) rows[[length(rows) + 1]] <<- data.frame(set = set, model = model, quantity = quantity, value = as.numeric(value))
for (file in list.files("tests/data", "^kmdata_.*csv$", full.names = TRUE)) {
  d <- read.csv(file)
  set <- sub("kmdata_(.*)_..\\.csv", "\\1", basename(file))
  arms <- sort(unique(d$arm))
  f <- coxph(Surv(time, event) ~ I(arm == arms[2]), data = d, ties = "efron")
  put(set, "cox", "log_hr", coef(f)); put(set, "cox", "se", sqrt(vcov(f)))
  for (arm in arms) {
    s <- survfit(Surv(time, event) ~ 1, data = d[d$arm == arm, ])
    put(set, arm, "median", summary(s)$table["median"]); put(set, arm, "events", sum(d$event[d$arm == arm]))
    for (share in c(.25, .5, .75)) {
      at <- share * max(d$time)
      q <- summary(s, times = at)
      put(set, arm, paste0("surv", share), q$surv); put(set, arm, paste0("risk", share), q$n.risk)
    }
  }
}
write.csv(do.call(rbind, rows), "tests/reference/evidence_trials.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/evidence_trials.session.txt")
