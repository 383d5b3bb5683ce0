/** All figures of a run, from plain data. */
export { auditInflation } from "./figures/audit-inflation.js";
export { type ConfusionAverage, confusionAverage } from "./figures/confusion-average.js";
export type { PixelMap } from "./figures/density.js";
export { type Embedding, embeddingScatter } from "./figures/embedding.js";
export { figureCombined } from "./figures/figure-combined.js";
export { figureGeneDensity, type GeneDensity } from "./figures/figure-gene-density.js";
export { figureGenesPixel } from "./figures/figure-genes-pixel.js";
export { figure1 } from "./figures/figure1.js";
export { type FoldScores, foldScores } from "./figures/fold-scores.js";
export { type DeletionCurves, geneDeletion } from "./figures/gene-deletion.js";
export { type GeneHeat, geneHeat } from "./figures/gene-heat.js";
export { type GeneMapPanels, geneMaps } from "./figures/gene-maps.js";
export { type ImagesByClass, imagesByClass } from "./figures/images-by-class.js";
export { type Reliability, reliability } from "./figures/reliability.js";
export { type RiskCoverageCurves, riskCoverageCurves } from "./figures/risk-coverage.js";
export { type SaliencyPanels, saliencyFigures } from "./figures/saliency.js";
export { type ModelScoresFigure, scoresFigure } from "./figures/scores.js";
export { type TrainingHistory, trainingHistory } from "./figures/training-history.js";
