# Exact (Clopper-Pearson) intervals of R's binom.test; run from this folder: Rscript binomial_interval.R
cases <- data.frame(k = c(0, 7, 58, 107, 1, 115), n = c(7, 7, 431, 414, 1000, 116))
ci <- t(mapply(function(k, n) binom.test(k, n)$conf.int, cases$k, cases$n))
write.csv(format(cbind(cases, low = ci[, 1], high = ci[, 2]), digits = 15, trim = TRUE),
          "binomial_interval.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "binomial_interval.session.txt")
