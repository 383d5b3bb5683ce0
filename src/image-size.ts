/** Size of an image in pixels: what all rooms mean by height and width. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Pixels of one channel. */
export const areaOf = ({ height, width }: ImageSize): number => height * width;
