# Competing risks by R's survival and cmprsk; run from this folder: Rscript survival_competing.R
library(survival)
library(cmprsk)
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
full <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)

mgus2$etime <- with(mgus2, ifelse(pstat == 0, futime, ptime))
mgus2$code <- with(mgus2, ifelse(pstat == 0, 2 * death, 1))
mgus2$state <- factor(mgus2$code, 0:2, c("censored", "pcm", "death"))
mgus2$male <- as.numeric(mgus2$sex == "M")
mgus2$age10 <- mgus2$age / 10
# late entry: a made-up delay of up to two years, at most the time less one month
mgus2$entry <- pmin((mgus2$id * 7) %% 25, mgus2$etime - 1)
late <- mgus2[mgus2$entry >= 0, ]

curve <- function(set, f) do.call(rbind, lapply(c("pcm", "death"), function(s) {
  j <- match(s, f$states)
  keep <- f$n.event[, 2] + f$n.event[, 3] > 0
  data.frame(set, cause = s, time = f$time[keep], value = num(f$pstate[keep, j]),
             error = num(f$std.err[keep, j]), low = num(f$lower[keep, j]),
             high = num(f$upper[keep, j]))
}))
curves <- rbind(
  curve("all", survfit(Surv(etime, state) ~ 1, mgus2, conf.type = "log-log")),
  curve("men", survfit(Surv(etime, state) ~ 1, mgus2, subset = male == 1, conf.type = "log-log")),
  curve("late", survfit(Surv(entry, etime, state) ~ 1, late, id = id, conf.type = "log-log")))
write.csv(curves, "survival_competing_curves.csv", row.names = FALSE, quote = FALSE)

pbc <- survival::pbc
pbc <- pbc[!is.na(pbc$trt), ]
gray_rows <- function(set, x) data.frame(set, cause = seq_len(nrow(x$Tests)),
  statistic = num(x$Tests[, "stat"]), p = num(x$Tests[, "pv"]), df = x$Tests[, "df"])
gray <- with(mgus2, rbind(
  gray_rows("sex", cuminc(etime, code, sex)),
  gray_rows("sex_rho", cuminc(etime, code, sex, rho = 1)),
  gray_rows("age", cuminc(etime, code, cut(age, c(0, 60, 70, 80, 100), labels = FALSE))),
  gray_rows("age_strata", cuminc(etime, code, cut(age, c(0, 60, 70, 80, 100), labels = FALSE),
                                 strata = sex)),
  gray_rows("untied", cuminc(etime + id / 10000, code, cut(age, c(0, 65, 75, 100),
                                                          labels = FALSE)))))
write.csv(gray, "survival_gray.csv", row.names = FALSE, quote = FALSE)

fg <- finegray(Surv(etime, state) ~ age10 + male + id, mgus2, etype = "pcm")
f1 <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age10 + male, fg, weights = fgwt, cluster = id,
            control = full)
f2 <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age10 + male, finegray(Surv(etime, state) ~
            age10 + male + id, mgus2, etype = "death"), weights = fgwt, cluster = id,
            control = full)
untied <- transform(mgus2, utime = etime + id / 10000)
f3 <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age10 + male, finegray(Surv(utime, state) ~
            age10 + male + id, untied, etype = "pcm"), weights = fgwt, cluster = id,
            control = full)
crr_fit <- with(untied, crr(utime, code, cbind(age10, male), failcode = 1, gtol = 1e-10))
cause <- coxph(Surv(etime, code == 1) ~ age10 + male, mgus2, control = full)
out <- function(set, b, se, tag) data.frame(set, name = c("age10", "male"), coefficient = num(b),
                                            error = num(se))
write.csv(rbind(
  out("pcm", coef(f1), sqrt(diag(f1$var))), out("death", coef(f2), sqrt(diag(f2$var))),
  out("untied", coef(f3), sqrt(diag(f3$var))), out("crr", crr_fit$coef, sqrt(diag(crr_fit$var))),
  out("cause_specific", coef(cause), sqrt(diag(cause$var)))), "survival_fine_gray.csv",
  row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "survival_competing.session.txt")
