# Absolute risk with a competing event (two cause-specific Cox models), the likelihood ratio test of an
# added marker, and the standard error of a difference of two log hazard ratios from dfbeta.
# Run: Rscript survival_prognosis.R
library(survival)
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
rows <- list()
add <- function(set, quantity, value) {
  rows[[length(rows) + 1]] <<- data.frame(set, quantity, value = num(value))
}

m <- mgus2[!is.na(mgus2$mspike) & !is.na(mgus2$hgb), ]
m$etime <- with(m, ifelse(pstat == 0, futime, ptime))
m$state <- factor(with(m, ifelse(pstat == 1, 1, 2 * death)), 0:2, c("censored", "pcm", "death"))
new <- data.frame(mspike = c(0.5, 1.5, 2.5), age = c(50, 70, 80))
# The two cause-specific models, put together by hand: survfit of the multi-state model in survival
# 3.5 goes wrong with ties (its hazards are not those of its own parts; without ties they are).
f1 <- coxph(Surv(etime, state == "pcm") ~ mspike + age, m)
f2 <- coxph(Surv(etime, state == "death") ~ mspike + age, m)
for (i in 1:3) {
  s1 <- survfit(f1, new[i, ])
  h1 <- diff(c(0, s1$cumhaz))
  h2 <- diff(c(0, survfit(f2, new[i, ])$cumhaz))
  free <- exp(-cumsum(h1 + h2))
  fall <- c(1, free[-length(free)]) - free
  share <- ifelse(h1 + h2 > 0, h1 / (h1 + h2), 0)
  add("mgus2", "risk", sum((fall * share)[s1$time <= 120]))
}

m2 <- m[m$etime > 0, ]
alone <- coxph(Surv(etime, state == "death") ~ mspike + age, m2)
p1 <- 1 - summary(survfit(alone, newdata = new), times = 120)$surv
add("mgus2_one", "risk", p1)

g <- gbsg
small <- coxph(Surv(rfstime, status) ~ age + grade, g)
big <- coxph(Surv(rfstime, status) ~ age + grade + nodes, g)
lr <- anova(small, big)
add("gbsg", "likelihood_ratio", c(lr$Chisq[2], lr[2, "Pr(>|Chi|)"]))
n1 <- coxph(Surv(rfstime, status) ~ I(log2(1 + nodes) / sd(log2(1 + nodes))), g)
n2 <- coxph(Surv(rfstime, status) ~ I(log2(1 + pgr) / sd(log2(1 + pgr))), g)
d <- residuals(n1, "dfbeta") - residuals(n2, "dfbeta")
add("gbsg", "difference", c(coef(n1) - coef(n2), sqrt(sum(d^2))))
write.csv(do.call(rbind, rows), "survival_prognosis.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "survival_prognosis.session.txt")
