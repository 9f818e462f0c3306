# edgeR quasi-likelihood on RM1, dormant against control; every fifth gene tested is kept.
# Run from this folder: Rscript expression_edger.R
suppressPackageStartupMessages(library(edgeR))
raw <- read.delim(gzfile("../../src/marrowtrace/datasets/rm1/counts.tsv.gz"), check.names = FALSE)
take <- c("D.RM1_1", "D.RM1_2", "D.RM1_3", "RM1_1", "RM1_2", "RM1_3")
counts <- as.matrix(raw[, take])
rownames(counts) <- raw$GeneID
group <- factor(rep(c("dormant", "control"), each = 3), levels = c("control", "dormant"))
y <- DGEList(round(counts), group = group)
keep <- filterByExpr(y)
y <- calcNormFactors(y[keep, , keep.lib.sizes = FALSE])
design <- model.matrix(~group)
y <- estimateDisp(y, design)
fit <- glmQLFit(y, design)
top <- topTags(glmQLFTest(fit, coef = 2), n = Inf, sort.by = "none")$table
out <- data.frame(id = rownames(top), symbol = raw$geneName[match(rownames(top), raw$GeneID)],
                  logFC = signif(top$logFC, 8), p = signif(top$PValue, 6), fdr = signif(top$FDR, 6))
cat(nrow(out), "tested,", sum(out$fdr < 0.05), "below 0.05\n")
write.csv(out[seq(1, nrow(out), 5), ], "expression_edger.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "expression_edger.session.txt")
