/** Size of an image in pixels: what all rooms mean by height and width. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

export const square = (side: number): ImageSize => ({ height: side, width: side });

/** Pixels of one channel. */
export const areaOf = ({ height, width }: ImageSize): number => height * width;

/** "128 × 96": width first, as image tools and `--size 128x96` say it. */
export const sizeWords = ({ height, width }: ImageSize): string => `${width} × ${height}`;
