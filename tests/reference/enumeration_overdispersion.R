# Gamma-Poisson fits with an offset: MASS::glm.nb (mean, theta, log-likelihood), and the profile intervals of theta
# and of the mean by optimize and uniroot on dnbinom. Run from this folder: Rscript enumeration_overdispersion.R
suppressMessages(library(MASS))
set.seed(2711)
draw <- function(n, c, theta, amounts) rnbinom(n, size = theta, mu = c * amounts)
sets <- list()
a <- rep(7.5, 120); sets$ctc <- data.frame(count = draw(120, 0.4, 0.25, a), amount = a)
a <- sample(c(5, 7.5, 10, 20, 30), 150, TRUE); sets$volumes <- data.frame(count = draw(150, 0.3, 0.6, a), amount = a)
a <- round(rlnorm(200, log(2e6), 0.8)); sets$marrow <- data.frame(count = draw(200, 4e-7, 0.15, a), amount = a)
a <- rep(c(7.5, 15), 40); sets$mild <- data.frame(count = draw(80, 1.2, 5, a), amount = a)
sets$quine <- data.frame(count = MASS::quine$Days, amount = 1)
rows <- list(); data <- list()
for (set in names(sets)) {
  d <- sets[[set]]
  data[[set]] <- cbind(set = set, d)
  f <- glm.nb(count ~ 1 + offset(log(amount)), data = d, control = glm.control(epsilon = 1e-14, maxit = 500))
  f0 <- glm(count ~ 1 + offset(log(amount)), data = d, family = poisson)
  nll <- function(lc, lt) -sum(dnbinom(d$count, size = exp(lt), mu = exp(lc) * d$amount, log = TRUE))
  best <- nlm(function(p) nll(p[1], p[2]), c(coef(f), log(f$theta)), gradtol = 1e-12, steptol = 1e-14, iterlim = 1000)
  top <- -best$minimum; lc <- best$estimate[1]; lt <- best$estimate[2]
  cut <- qchisq(0.95, 1) / 2
  pt <- function(t) -optimize(function(l) nll(l, t), lc + c(-4, 4), tol = 1e-12)$objective - top + cut
  pc <- function(l) -optimize(function(t) nll(l, t), lt + c(-6, 12), tol = 1e-12)$objective - top + cut
  root <- function(f, from, to) uniroot(f, c(from, to), tol = 1e-12)$root
  put <- function(quantity, value) rows[[length(rows) + 1]] <<- data.frame(set = set, model = "gamma-poisson", quantity = quantity, value = value)
  put("mean", exp(coef(f))); put("theta", f$theta); put("log_likelihood", f$twologlik / 2)
  put("log_likelihood_poisson", as.numeric(logLik(f0)))
  put("theta_low", exp(root(pt, lt - 6, lt))); if (pt(lt + 9) < 0) put("theta_high", exp(root(pt, lt, lt + 9)))
  put("mean_low", exp(root(pc, lc - 3, lc))); put("mean_high", exp(root(pc, lc, lc + 3)))
}
out <- function(frame, file) write.csv(format(frame, digits = 15, trim = TRUE), file, row.names = FALSE, quote = FALSE)
rows <- do.call(rbind, rows); rows$value <- format(rows$value, digits = 15, trim = TRUE, scientific = TRUE)
out(rows, "enumeration_overdispersion.csv"); out(do.call(rbind, data), "enumeration_overdispersion_counts.csv")
writeLines(capture.output(sessionInfo()), "enumeration_overdispersion.session.txt")
