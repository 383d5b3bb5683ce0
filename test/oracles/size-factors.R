# Oracle of the size factors (src/normalize/): scuttle's pooledSizeFactors of one cluster, and its cleanSizeFactors.
#
# usage: Rscript test/oracles/size-factors.R      (writes test/fixtures/size-factors.json)
# Needs: scuttle (Debian: r-bioc-scuttle); the fixture was made by 1.8.4 under R 4.2.2. JSON is written by hand.
suppressMessages({
  library(scuttle)
  library(Matrix)
})
set.seed(7)

# Cells × genes: depths of gamma form, genes of gamma means, a share of the cells with some genes `fold` times as high.
cells <- function(n, genes, depth, spread = 4, fold = 1, size = 2) {
  means <- rgamma(genes, 0.6)
  means <- means / sum(means) * depth
  own <- if (spread > 0) rgamma(n, spread, spread) else rep(1, n)
  type <- rep(c(0, 1), length.out = n)
  up <- seq_len(genes) %% 7 == 0
  t(sapply(seq_len(n), function(i)
    rnbinom(genes, mu = means * own[i] * ifelse(up & type[i] == 1, fold, 1), size = size)))
}

number <- function(x) formatC(x, digits = 17, format = "g", width = 1)
array <- function(x) paste0("[", paste(number(x), collapse = ","), "]")
entries <- list()
case <- function(name, x, min.mean = NULL) {
  stopifnot(all(rowSums(x) > 0))
  counts <- as(t(x), "CsparseMatrix")
  raw <- suppressWarnings(pooledSizeFactors(counts, positive = FALSE, max.cluster.size = NULL, min.mean = min.mean))
  clean <- suppressWarnings(pooledSizeFactors(counts, positive = TRUE, max.cluster.size = NULL, min.mean = min.mean))
  csr <- as(x, "RsparseMatrix")
  cat(name, dim(x), "not positive:", sum(raw <= 0), "\n")
  entries[[length(entries) + 1]] <<- paste0(
    '{"name":"', name, '","rows":', nrow(x), ',"cols":', ncol(x),
    ',"minMean":', if (is.null(min.mean)) "null" else number(min.mean),
    ',"indptr":', array(csr@p), ',"indices":', array(csr@j), ',"values":', array(csr@x),
    ',"raw":', array(raw), ',"clean":', array(clean), "}")
}

case("two cells (R takes no single one)", cells(2, 30, 60))
case("fewer than a pool", cells(20, 60, 100))
case("a single pool", cells(21, 60, 100))
case("two sizes, odd", cells(31, 60, 120))
case("even", cells(64, 80, 60))
case("more than the largest pool", cells(110, 60, 50))
case("very different depth", {
  x <- cells(50, 80, 70, spread = 0.5)
  x[rowSums(x) > 2, ]
})
case("composition", cells(70, 90, 120, fold = 12))
case("read counts", cells(40, 40, 150000))
case("a least mean of one's own", cells(40, 60, 60), min.mean = 1)
case("not positive", {
  x <- cells(60, 50, 30)
  odd <- seq(3, 60, 4)
  x[odd, ] <- 0 # all of their counts in three genes, which the others hardly have
  x[odd, 1:3] <- rpois(3 * length(odd), 6) + 1
  x[odd, 4 + seq_along(odd)] <- diag(length(odd)) * 2
  x
})

# cleanSizeFactors by itself.
detected <- round(900 * (1 - exp(-rgamma(80, 2, 2))) + 5)
factors <- -log(1 - (detected - 5) / 900.5) * exp(rnorm(80, 0, 0.1)) + 0.01
factors[c(3, 30, 77)] <- c(-0.2, 0, -1e-3)
cleaned <- cleanSizeFactors(factors, detected)
writeLines(paste0('{"cases":[\n', paste(entries, collapse = ",\n"), '\n],\n"cleaning":{"factors":', array(factors),
  ',"detected":', array(detected), ',"cleaned":', array(cleaned), "}}"), "test/fixtures/size-factors.json")
