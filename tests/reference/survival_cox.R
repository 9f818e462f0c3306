# Cox models of R's survival on its own data sets; run from this folder: Rscript survival_cox.R
# The same data lie in ../data/r_survival. Control settings drive the fits to full convergence.
library(survival)
full <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))

colon2 <- colon[colon$etype == 2, ]
colon2$lev <- as.numeric(colon2$rx == "Lev")
colon2$lev5fu <- as.numeric(colon2$rx == "Lev+5FU")
heart$tx <- as.numeric(heart$transplant == "1")
myeloid$b <- as.numeric(myeloid$trt == "B")
myeloid$male <- as.numeric(myeloid$sex == "m")
mgus2$male <- as.numeric(mgus2$sex == "M")
mgus <- mgus2[complete.cases(mgus2[, c("age", "hgb", "mspike")]), ]
rotterdam$lp <- log(rotterdam$pgr + 1)
rotterdam$big <- as.numeric(rotterdam$size == ">50")
gbsg$lpgr <- log(gbsg$pgr + 1)
# serial bilirubin as start-stop rows: each visit's value until the next one, death as event
pbc <- pbcseq[order(pbcseq$id, pbcseq$day), ]
last <- !duplicated(pbc$id, fromLast = TRUE)
pbc$start <- pbc$day
pbc$stop <- ifelse(last, pbc$futime, c(pbc$day[-1], NA))
pbc$dead <- as.numeric(last & pbc$status == 2)
pbc$lbili <- log(pbc$bili)
pbc <- pbc[pbc$stop > pbc$start, ]

fits <- list(
  colon = coxph(Surv(time, status) ~ lev + lev5fu + age + node4, colon2, control = full, x = TRUE),
  colon_breslow = coxph(Surv(time, status) ~ lev + lev5fu + age + node4, colon2, ties = "breslow",
                        control = full, x = TRUE),
  colon_cluster = coxph(Surv(time, status) ~ lev + lev5fu + strata(etype), transform(colon,
    lev = as.numeric(rx == "Lev"), lev5fu = as.numeric(rx == "Lev+5FU")), cluster = id,
    control = full, x = TRUE),
  rotterdam = coxph(Surv(rtime, recur) ~ age + nodes + grade + lp + big + hormon, rotterdam,
                    control = full, x = TRUE),
  rotterdam_weighted = coxph(Surv(rtime, recur) ~ age + nodes + hormon, rotterdam,
                    weights = 1 + (rotterdam$pid %% 5) / 2, robust = TRUE, control = full,
                    x = TRUE),
  gbsg = coxph(Surv(rfstime, status) ~ age + nodes + lpgr + hormon + strata(grade), gbsg,
               control = full, x = TRUE),
  gbsg_offset = coxph(Surv(rfstime, status) ~ nodes + hormon + offset(0.01 * age), gbsg,
               control = full, x = TRUE),
  heart = coxph(Surv(start, stop, event) ~ age + year + surgery + tx, heart, control = full,
                x = TRUE),
  heart_cluster = coxph(Surv(start, stop, event) ~ age + tx, heart, cluster = id, control = full,
                x = TRUE),
  pbcseq = coxph(Surv(start, stop, dead) ~ lbili + age + albumin + strata(sex), pbc, cluster = id,
                 control = full, x = TRUE),
  myeloid = coxph(Surv(futime, death) ~ b + male, myeloid, control = full, x = TRUE),
  mgus2 = coxph(Surv(futime, death) ~ age + male + hgb + mspike, mgus, control = full, x = TRUE),
  mgus2_breslow = coxph(Surv(futime, death) ~ age + male + hgb + mspike, mgus, ties = "breslow",
                 control = full, x = TRUE)
)
rows <- function(set, f) {
  naive <- if (is.null(f$naive.var)) f$var else f$naive.var
  s <- summary(f)
  one <- function(quantity, name, value) data.frame(set, quantity, name, value = num(value))
  p <- names(coef(f))
  zph <- do.call(rbind, lapply(c("km", "rank", "log", "identity"), function(tr) {
    if (tr == "log" && any(f$y[, ncol(f$y) - 1] <= 0)) return(NULL)
    z <- cox.zph(f, transform = tr)$table
    one(paste0("zph_", tr), c(p, "global"), z[, "chisq"])
  }))
  rbind(
    one("coefficient", p, coef(f)), one("standard_error", p, sqrt(diag(f$var))),
    one("model_error", p, sqrt(diag(naive))), one("log_likelihood", c("start", "end"), f$loglik),
    one("score", "all", f$score), one("wald", "all", f$wald.test),
    one("likelihood_ratio", "all", s$logtest[1]),
    one("concordance", c("value", "error"), c(s$concordance[1], s$concordance[2])), zph
  )
}
table <- do.call(rbind, Map(rows, names(fits), fits))
write.csv(table, "survival_cox.csv", row.names = FALSE, quote = FALSE)

# residuals and predictions of a few fits
few <- list(colon = fits$colon, heart = fits$heart, gbsg = fits$gbsg, mgus2 = fits$mgus2)
residuals_of <- function(set, f) {
  score <- as.matrix(residuals(f, "score"))
  martingale <- residuals(f, "martingale")
  keep <- seq(1, length(martingale), by = 7)
  rbind(data.frame(set, quantity = "martingale", row = keep - 1, column = 0,
                   value = num(martingale[keep])),
        data.frame(set, quantity = "score", row = rep(keep - 1, ncol(score)),
                   column = rep(seq_len(ncol(score)) - 1, each = length(keep)),
                   value = num(score[keep, ])))
}
write.csv(do.call(rbind, Map(residuals_of, names(few), few)), "survival_cox_residuals.csv",
          row.names = FALSE, quote = FALSE)

person <- list(
  colon = data.frame(lev = 0, lev5fu = 1, age = 60, node4 = 1),
  heart = data.frame(age = 2, year = 3, surgery = 0, tx = 1),
  gbsg = data.frame(age = 50, nodes = 4, lpgr = 3, hormon = 1, grade = 2),
  mgus2 = data.frame(age = 70, male = 1, hgb = 13, mspike = 1.2)
)
curves <- do.call(rbind, lapply(names(few), function(set) {
  f <- few[[set]]
  s <- survfit(f, newdata = person[[set]], conf.type = "log-log")
  keep <- s$n.event > 0
  data.frame(set, time = s$time[keep], survival = num(s$surv[keep]),
             low = num(s$lower[keep]), high = num(s$upper[keep]), hazard = num(s$cumhaz[keep]))
}))
write.csv(curves, "survival_cox_curves.csv", row.names = FALSE, quote = FALSE)

# Firth's penalty: the penalised likelihood evaluated through coxph and maximised by optim
small <- gbsg[1:60, ]
small$rare <- as.numeric(small$status == 0 & seq_len(60) %% 3 == 0)
at <- function(b, what) {
  if (abs(b[1]) > 15 || abs(b[2]) > 3) return(-1e10)
  f <- suppressWarnings(coxph(Surv(rfstime, status) ~ rare + nodes, small, init = b,
                              control = coxph.control(iter.max = 0)))
  if (what == "information") solve(f$var) else
    f$loglik[2] + 0.5 * as.numeric(determinant(solve(f$var))$modulus)
}
top <- optim(c(0, 0), at, what = "value", method = "BFGS",
             control = list(fnscale = -1, reltol = 1e-16, ndeps = c(1e-5, 1e-5), maxit = 1000))
for (i in 1:3) top <- optim(top$par, at, what = "value", method = "Nelder-Mead",
             control = list(fnscale = -1, reltol = 1e-16, maxit = 5000))
profile <- function(b1) optimize(function(b2) at(c(b1, b2), "value"), c(-2, 2), maximum = TRUE,
                                 tol = 1e-10)$objective
drop <- function(b1) profile(b1) - (top$value - qchisq(0.95, 1) / 2)
firth <- data.frame(
  quantity = c("coefficient", "coefficient", "standard_error", "standard_error", "value", "start",
               "low", "high", "p"),
  name = c("rare", "nodes", "rare", "nodes", "all", "all", "rare", "rare", "rare"),
  value = num(c(top$par, sqrt(diag(solve(at(top$par, "information")))), top$value,
                at(c(0, 0), "value"), uniroot(drop, c(-12, top$par[1]), tol = 1e-9)$root,
                uniroot(drop, c(top$par[1], 6), tol = 1e-9)$root,
                pchisq(2 * (top$value - profile(0)), 1, lower.tail = FALSE))))
write.csv(firth, "survival_firth.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "survival_cox.session.txt")
