# limma's moderated t on made numbers (gamma-distributed variances, 40 genes, 2 covariates).
# Run from this folder: Rscript expression_limma.R
suppressPackageStartupMessages(library(limma))
set.seed(4)
genes <- 40
group <- rep(c(0, 1), each = 5)
batch <- rep(c(0, 1), 5)
sd <- sqrt(0.3 * 6 / rchisq(genes, 6))
x <- t(sapply(seq_len(genes), function(g) rnorm(10, 8 + (g <= 8) * group * 1.2 + 0.4 * batch, sd[g])))
x <- signif(x, 7)
design <- cbind(1, group, batch)
fit <- eBayes(lmFit(x, design))
write.csv(round(x, 10), "expression_limma.values.csv", row.names = FALSE)
write.csv(data.frame(effect = fit$coefficients[, 2], t = fit$t[, 2], p = fit$p.value[, 2],
                     df = fit$df.total, df_prior = fit$df.prior, s2_prior = fit$s2.prior),
          "expression_limma.csv", row.names = FALSE)
# the same with variances that differ by chance alone: the prior degrees of freedom are infinite
y <- matrix(signif(rnorm(genes * 10), 7), genes)
same <- eBayes(lmFit(y, design))
write.csv(y, "expression_limma_flat.values.csv", row.names = FALSE)
write.csv(data.frame(t = same$t[, 2], p = same$p.value[, 2], df_prior = same$df.prior,
                     s2_prior = same$s2.prior), "expression_limma_flat.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "expression_limma.session.txt")
