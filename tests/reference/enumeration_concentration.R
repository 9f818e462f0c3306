# Exact intervals of a mean: R's poisson.test, and the tails of pnbinom inverted by uniroot.
# Run from this folder: Rscript enumeration_concentration.R
cases <- expand.grid(count = c(0, 1, 2, 5, 17, 400), amount = c(7.5, 2e6), theta = c(Inf, 0.25, 3, 1e6), level = c(0.95, 0.9))
bounds <- function(k, a, theta, level) {
  if (is.infinite(theta)) return(poisson.test(k, a, conf.level = level)$conf.int)
  tail <- (1 - level) / 2
  root <- function(f) exp(uniroot(f, c(-25, 45), tol = 1e-14, maxiter = 10000)$root) / a
  upper <- root(function(l) pnbinom(k, size = theta, mu = exp(l), log.p = TRUE) - log(tail))
  lower <- if (k == 0) 0 else root(function(l) pnbinom(k - 1, size = theta, mu = exp(l), lower.tail = FALSE, log.p = TRUE) - log(tail))
  c(lower, upper)
}
ci <- t(mapply(bounds, cases$count, cases$amount, cases$theta, cases$level))
write.csv(format(cbind(cases, low = ci[, 1], high = ci[, 2]), digits = 15, trim = TRUE),
          "enumeration_concentration.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "enumeration_concentration.session.txt")
