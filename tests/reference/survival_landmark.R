# A landmark analysis of serial bilirubin by R's survival; run: Rscript survival_landmark.R
library(survival)
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
full <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
p <- pbcseq[order(pbcseq$id, pbcseq$day), ]
base <- p[!duplicated(p$id), c("id", "futime", "status", "age")]
at <- function(s, w) {
  known <- p[p$day <= s, ]
  known <- known[!duplicated(known$id, fromLast = TRUE), c("id", "bili")]
  d <- merge(base[base$futime > s, ], known, by = "id")
  d$event <- as.numeric(d$status == 2 & d$futime <= s + w)
  d$time <- pmin(d$futime, s + w) - s
  d$landmark <- s
  d
}
one <- coxph(Surv(time, event) ~ bili + age, at(365, 1825), control = full)
days <- c(365, 730, 1095)
stack <- do.call(rbind, lapply(days, at, w = 1825))
place <- (stack$landmark - 365) / 730
stack$bili_place <- stack$bili * place
stack$age_place <- stack$age * place
all <- coxph(Surv(time, event) ~ bili + age + strata(landmark), stack, cluster = id,
             control = full)
more <- coxph(Surv(time, event) ~ bili + age + bili_place + age_place + strata(landmark), stack,
              cluster = id, control = full)
person <- data.frame(bili = 3, age = 50, bili_place = 1.5, age_place = 25, landmark = 730)
s <- summary(survfit(more, newdata = person, conf.type = "log-log"), times = 1000)
out <- function(set, f) data.frame(set, coefficient = num(coef(f)), error = num(sqrt(diag(f$var))),
                                   n = f$n, events = f$nevent)
write.csv(rbind(out("one", one), out("all", all), out("more", more),
                data.frame(set = "prediction", coefficient = num(c(s$surv, s$lower, s$upper)),
                           error = 0, n = 0, events = 0)),
          "survival_landmark.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "survival_landmark.session.txt")
