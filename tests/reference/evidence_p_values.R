# Reference numbers for combined p-values: R's metap. Run from the repository root:
# Rscript tests/reference/evidence_p_values.R
suppressMessages(library(metap))
options(digits = 17)
folder <- "tests/reference/"
# DFS (post) of the disseminated-cell rows of Table 2, as printed and as corrected, and a plain set
sets <- list(printed = c(.003, .02, .0035, .003, .03), corrected = c(.003, .02, .48, .03),
             plain = c(.1, .7, .45, .03, .9, .5, .22), high = c(.6, .8, .95, .7))
weights <- list(printed = sqrt(c(211, 60, 193, 60, 103)), corrected = sqrt(c(211, 60, 211, 103)),
                plain = 1:7, high = c(1, 1, 2, 2))
rows <- list()
put <- function(set, model, value) rows[[length(rows) + 1]] <<- data.frame(set = set, model = model, quantity = "p", value = value)
for (set in names(sets)) {
  p <- sets[[set]]
  put(set, "fisher", sumlog(p)$p); put(set, "stouffer", sumz(p)$p)
  put(set, "stouffer weighted", sumz(p, weights = weights[[set]])$p)
  for (r in 1:3) put(set, paste("wilkinson", r), wilkinsonp(p, r = r)$p)
  put(set, "edgington", sump(p)$p)
  one <- two2one(p, invert = rep(c(FALSE, TRUE), length.out = length(p)))
  put(set, "one-sided fisher", sumlog(one)$p)
}
write.csv(do.call(rbind, rows), paste0(folder, "evidence_p_values.csv"), row.names = FALSE)
writeLines(capture.output(sessionInfo()), paste0(folder, "evidence_p_values.session.txt"))
