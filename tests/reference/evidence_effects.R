# Reference numbers for random-effects pooling, Q-profile and meta-regression: R's metafor on
# metadat's BCG and Riley sets. Run from the repository root: Rscript tests/reference/evidence_effects.R
suppressMessages({library(metafor); library(metadat)})
options(digits = 17, warn = -1)
tight <- list(threshold = 1e-14, maxiter = 10000, tau2.max = 1000, tol = 1e-12)
folder <- "tests/reference/"

bcg <- escalc(measure = "OR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bcg$events <- bcg$tpos + bcg$cpos
bcg$total <- bcg$tpos + bcg$tneg + bcg$cpos + bcg$cneg
riley <- dat.riley2003
# log hazard ratios of the prognostic marker, the overall-survival rows that are present
riley <- riley[!is.na(riley$yi) & !is.na(riley$vi) & riley$outcome == "OS", ]
write.csv(data.frame(set = "bcg", yi = as.numeric(bcg$yi), vi = as.numeric(bcg$vi), ablat = bcg$ablat,
                     year = bcg$year, alloc = bcg$alloc, events = bcg$events, total = bcg$total),
          paste0(folder, "evidence_bcg.csv"), row.names = FALSE)
write.csv(data.frame(set = "riley", yi = riley$yi, vi = riley$vi), paste0(folder, "evidence_riley.csv"),
          row.names = FALSE)

rows <- list()
put <- function(set, model, quantity, value)
  rows[[length(rows) + 1]] <<- data.frame(set = set, model = model, quantity = quantity, value = as.numeric(value))

flat <- data.frame(yi = rep(0.3, 6), vi = c(.1, .2, .3, .1, .2, .3))
null <- data.frame(yi = c(.1, .12, .09, .11, .1), vi = c(.2, .3, .25, .2, .4))
two <- data.frame(yi = c(0.2, 0.9), vi = c(0.04, 0.05))
sets <- list(bcg = data.frame(yi = as.numeric(bcg$yi), vi = as.numeric(bcg$vi)),
             riley = data.frame(yi = riley$yi, vi = riley$vi), identical = flat, tau0 = null, two = two)
for (set in names(sets)) {
  d <- sets[[set]]
  k <- nrow(d)
  for (method in c("DL", "PM", "REML", "ML", "EB", "SJ", "HE", "HS", "FE")) {
    if (method == "SJ" && set == "identical") next
    name <- if (method == "FE") "common" else method
    for (test in c("z", "knha", "adhoc")) {
      f <- rma(yi, vi, data = d, method = method, test = test, control = tight)
      key <- paste(name, test)
      put(set, key, "estimate", f$beta); put(set, key, "se", f$se)
      put(set, key, "ci_low", f$ci.lb); put(set, key, "ci_high", f$ci.ub); put(set, key, "p_value", f$pval)
      put(set, key, "tau2", f$tau2)
      if (test == "z") {
        put(set, key, "i2", f$I2 / 100); put(set, key, "h2", f$H2)
        put(set, key, "q", f$QE); put(set, key, "q_p_value", f$QEp)
        if (k > 2) {
          reach <- qt(.975, k - 2) * sqrt(f$se^2 + f$tau2)
          put(set, key, "prediction_low", f$beta - reach); put(set, key, "prediction_high", f$beta + reach)
        }
      }
    }
  }
  if (set %in% c("bcg", "riley", "two")) {
    f <- rma(yi, vi, data = d, method = "REML", control = tight)
    ci <- confint(f, control = list(tol = 1e-12))$random
    put(set, "profile", "tau2_low", ci["tau^2", "ci.lb"]); put(set, "profile", "tau2_high", ci["tau^2", "ci.ub"])
    put(set, "profile", "i2_low", ci["I^2(%)", "ci.lb"] / 100); put(set, "profile", "i2_high", ci["I^2(%)", "ci.ub"] / 100)
  }
}

# meta-regression with two moderators, and with a factor
for (method in c("DL", "PM", "REML", "ML", "SJ", "HE", "HS")) for (test in c("z", "knha", "adhoc")) {
  f <- rma(yi, vi, mods = ~ ablat + year, data = bcg, method = method, test = test, control = tight)
  key <- paste("regression", method, test)
  for (j in 1:3) {
    put("bcg", key, paste0("beta", j), f$beta[j]); put("bcg", key, paste0("se", j), f$se[j])
    put("bcg", key, paste0("p", j), f$pval[j]); put("bcg", key, paste0("low", j), f$ci.lb[j])
  }
  put("bcg", key, "tau2", f$tau2); put("bcg", key, "i2", f$I2 / 100); put("bcg", key, "r2", f$R2 / 100)
  put("bcg", key, "q", f$QE); put("bcg", key, "q_p_value", f$QEp)
  put("bcg", key, "moderator_statistic", f$QM); put("bcg", key, "moderator_p_value", f$QMp)
  if (test == "z") {
    ci <- confint(f, control = list(tol = 1e-12))$random
    put("bcg", key, "tau2_low", ci["tau^2", "ci.lb"]); put("bcg", key, "tau2_high", ci["tau^2", "ci.ub"])
  }
}

# subgroups by allocation: separate tau2, and common tau2
for (test in c("z", "adhoc")) {
  parts <- lapply(split(bcg, bcg$alloc), function(d) rma(yi, vi, data = d, method = "REML", test = test, control = tight))
  for (name in names(parts)) {
    put("bcg", paste("subgroup", test, name), "estimate", parts[[name]]$beta)
    put("bcg", paste("subgroup", test, name), "se", parts[[name]]$se)
    put("bcg", paste("subgroup", test, name), "tau2", parts[[name]]$tau2)
  }
  q <- rma(sapply(parts, function(f) f$beta), sei = sapply(parts, function(f) f$se), method = "FE")
  put("bcg", paste("subgroup", test), "q", q$QE); put("bcg", paste("subgroup", test), "p_value", q$QEp)
  f <- rma(yi, vi, mods = ~ alloc, data = bcg, method = "REML", test = test, control = tight)
  put("bcg", paste("subgroup common", test), "q", f$QM); put("bcg", paste("subgroup common", test), "p_value", f$QMp)
  put("bcg", paste("subgroup common", test), "tau2", f$tau2)
}

# leave one out, and influence
f <- rma(yi, vi, data = bcg, method = "REML", control = tight)
loo <- leave1out(f)
inf <- influence(f)
for (i in seq_len(nrow(bcg))) {
  key <- paste("without", i - 1)
  put("bcg", key, "estimate", loo$estimate[i]); put("bcg", key, "se", loo$se[i]); put("bcg", key, "tau2", loo$tau2[i])
  put("bcg", key, "i2", loo$I2[i] / 100); put("bcg", key, "q", loo$Q[i])
  for (column in c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat"))
    put("bcg", key, column, inf$inf[[column]][i])
  put("bcg", key, "influential", inf$is.infl[i])
}
write.csv(do.call(rbind, rows), paste0(folder, "evidence_effects.csv"), row.names = FALSE)
writeLines(capture.output(sessionInfo()), paste0(folder, "evidence_effects.session.txt"))
