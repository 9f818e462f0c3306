# Agreement of two yes-or-no tests. Kappa and AC1 are written as functions of the four shares and their variances
# taken by the multinomial delta method with numDeriv; McNemar and the shares by binom.test.
# Run from this folder: Rscript enumeration_agreement.R
suppressMessages(library(numDeriv))
tables <- list(c(20, 5, 10, 65), c(1, 2, 3, 94), c(15, 0, 7, 9), c(40, 12, 3, 45), c(0, 4, 6, 30), c(118, 5, 4, 0))
kappa <- function(p) { e <- (p[1]+p[2])*(p[1]+p[3]) + (p[3]+p[4])*(p[2]+p[4]); (p[1]+p[4]-e)/(1-e) }
ac1 <- function(p) { q <- (2*p[1]+p[2]+p[3])/2; e <- 2*q*(1-q); (p[1]+p[4]-e)/(1-e) }
rows <- list()
for (x in tables) {
  n <- sum(x); p <- x / n
  delta <- function(f, scale) { g <- grad(f, p, method.args = list(r = 6)); sqrt((sum(p*g^2) - sum(p*g)^2) / n * scale) }
  k <- kappa(p); ks <- delta(kappa, 1); a <- ac1(p); as <- delta(ac1, n / (n - 1)); t <- qt(.975, n - 1)
  o <- binom.test(x[1] + x[4], n)$conf.int
  turn <- function(v) 2 * v / (1 + v)
  pos <- turn(binom.test(x[1], n - x[4])$conf.int)
  neg <- if (n > x[1]) turn(binom.test(x[4], n - x[1])$conf.int)
  rows[[length(rows) + 1]] <- data.frame(both = x[1], first_only = x[2], second_only = x[3], neither = x[4],
    observed = (x[1]+x[4])/n, observed_low = o[1], observed_high = o[2],
    kappa = k, kappa_low = k - qnorm(.975)*ks, kappa_high = k + qnorm(.975)*ks,
    ac1 = a, ac1_low = a - t*as, ac1_high = pmin(1, a + t*as),
    positive_agreement = 2*x[1]/(2*x[1]+x[2]+x[3]), positive_low = pos[1], positive_high = pos[2],
    negative_agreement = 2*x[4]/(2*x[4]+x[2]+x[3]), negative_low = neg[1], negative_high = neg[2],
    mcnemar_p_value = binom.test(x[2], x[2] + x[3])$p.value)
}
write.csv(format(do.call(rbind, rows), digits = 15, trim = TRUE), "enumeration_agreement.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "enumeration_agreement.session.txt")
